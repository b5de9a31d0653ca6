import { createHash, hash as digestOf } from "node:crypto";
import { SteppeError } from "../../shared/errors.ts";
import type { FileBatch, StoredFile } from "../types.ts";
import type { ByteSpool, Kept } from "./byte-spool.ts";

/** Larger files are never held in memory. */
const SMALL = 1024 * 1024;

/**
 * The contents of a site's files while an image is made of it: read once, each content once; those that are known only when a layer needs them. What imports trees
 * takes it for a file store.
 */
export class SiteContent {
  readonly #spool: ByteSpool;
  readonly #contents = new Map<string, Kept>();
  readonly #later = new Map<string, { file: StoredFile; read: () => AsyncIterable<Uint8Array> }>();

  constructor(spool: ByteSpool) {
    this.#spool = spool;
  }

  begin(): FileBatch {
    return {
      add: (content) => this.#add(content),
      addStream: (content) => this.#addStream(content),
      commit: async () => {},
      abort: async () => {},
    };
  }

  /** Adds a content that need not be read to be known. What `read` gives is checked when it is needed. */
  later(file: StoredFile, read: () => AsyncIterable<Uint8Array>): void {
    this.#later.set(keyOf(file.hash), { file, read });
  }

  /** The content with this SHA-256. Throws CONTENT_CORRUPT if it is not what is known of it, and what reading it throws. */
  async read(hash: Uint8Array): Promise<Iterable<Uint8Array> | AsyncIterable<Uint8Array>> {
    return this.#spool.content(await this.#kept(hash));
  }

  /** As `read`, all of it at once. */
  async whole(hash: Uint8Array): Promise<Buffer> {
    return await this.#spool.whole(await this.#kept(hash));
  }

  async #kept(hash: Uint8Array): Promise<Kept> {
    const key = keyOf(hash);
    if (!this.#contents.has(key)) await this.#readNow(key);
    const kept = this.#contents.get(key);
    if (kept === undefined) throw new Error(`no file of the site has the content ${Buffer.from(hash).toString("hex")}`);
    return kept;
  }

  async #readNow(key: string): Promise<void> {
    const known = this.#later.get(key);
    if (known === undefined) return;
    const { file, read } = known;
    const found = file.size > SMALL ? await this.#addStream(read()) : await this.#add(await gather(read()));
    if (found.hash.equals(file.hash)) return;
    const cause = `a file was remembered as ${file.hash.toString("hex")}, and is ${found.hash.toString("hex")}`;
    const hint = "Build it again: this was forgotten now.";
    throw new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: "the site", cause, hint });
  }

  async #add(content: Uint8Array): Promise<StoredFile> {
    const hash = digestOf("sha256", content, "buffer");
    if (!this.#contents.has(keyOf(hash))) this.#contents.set(keyOf(hash), await this.#spool.keepOne(content));
    return { hash, size: content.length };
  }

  async #addStream(content: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const hashing = createHash("sha256");
    const kept = await this.#spool.keep(hashed(content, hashing));
    const hash = hashing.digest();
    this.#contents.set(keyOf(hash), kept);
    return { hash, size: kept.size };
  }
}

async function gather(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

async function* hashed(
  content: AsyncIterable<Uint8Array>,
  hashing: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of content) {
    hashing.update(chunk);
    yield chunk;
  }
}

function keyOf(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString("latin1");
}
