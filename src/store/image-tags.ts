import type { Row, Store } from "./store.ts";

/** A tag of an app's repository of images, as it was last seen. */
export interface ImageTagRow {
  tag: string;
  /** What it stood for; null if it was seen and nobody asked the registry what it is. */
  digest: string | null;
  /**
   * When that image was made, by its own word, milliseconds since 1970; null if that is not known, 0 if nobody asked, and it was
   * there before others that count.
   */
  createdAt: number | null;
  /** When it was first seen to stand for that, milliseconds since 1970. */
  seenAt: number;
  /** When the registry was last asked for it; 0 if never. */
  askedAt: number;
  /** Whether it was not among the registry's tags when these were last listed. */
  isGone: boolean;
}

/**
 * The tags of images that were acted on, so that each is acted on once and a moved tag is noticed: to images what `RefTable` is to refs.
 * Whoever queues deployments, or is about to push, marks tags in the same transaction.
 */
export class ImageTagTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Of a repository (`registry.example.com/team/blog`), by tag. */
  all(app: string, repository: string): Map<string, ImageTagRow> {
    const rows = this.#store.all("SELECT * FROM image_tags WHERE app = ? AND repository = ?", app, repository);
    return new Map(rows.map((row) => [String(row["tag"]), tagRow(row)]));
  }

  /** Marks what tags stand for. */
  mark(app: string, repository: string, tags: Iterable<Omit<ImageTagRow, "isGone">>): void {
    this.#store.transaction(() => {
      const sql = `INSERT OR REPLACE INTO image_tags (app, repository, tag, digest, created_at, seen_at, asked_at, gone)
        VALUES (?, ?, ?, ?, ?, ?, ?, 0)`;
      for (const { tag, digest, createdAt, seenAt, askedAt } of tags)
        this.#store.run(sql, app, repository, tag, digest, createdAt, seenAt, askedAt);
    });
  }

  /** Sets when the registry was last asked for tags; 0 so that they are asked for next. */
  setAsked(app: string, repository: string, tags: Iterable<string>, at: number): void {
    const sql = "UPDATE image_tags SET asked_at = ? WHERE app = ? AND repository = ? AND tag = ?";
    this.#store.transaction(() => {
      for (const tag of tags) this.#store.run(sql, at, app, repository, tag);
    });
  }

  /** Which of the tags are in the registry no more, or again. What they stood for is remembered: a list may be wrong for once. */
  setGone(app: string, repository: string, tags: Iterable<string>, isGone: boolean): void {
    const sql = "UPDATE image_tags SET gone = ? WHERE app = ? AND repository = ? AND tag = ?";
    this.#store.transaction(() => {
      for (const tag of tags) this.#store.run(sql, isGone ? 1 : 0, app, repository, tag);
    });
  }
}

function tagRow(row: Row): ImageTagRow {
  return {
    tag: String(row["tag"]),
    digest: row["digest"] === null ? null : String(row["digest"]),
    createdAt: row["created_at"] === null ? null : Number(row["created_at"]),
    seenAt: Number(row["seen_at"]),
    askedAt: Number(row["asked_at"]),
    isGone: row["gone"] === 1,
  };
}
