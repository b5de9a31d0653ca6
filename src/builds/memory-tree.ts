import type { SourceEntry, SourceTree } from "./source-tree.ts";

/** What is at a path: a file's content, a link, or another kind of thing. */
export type Thing = string | { link: string } | { kind: SourceEntry["kind"] };

export function link(target: string): Thing {
  return { link: target };
}

/** A source in memory, with blob ids as git has them: the same for the same content. */
export class MemoryTree implements SourceTree {
  readonly label = "blog@v1";
  readonly #things: Array<[string | Buffer, Thing]>;
  reads = 0;

  constructor(things: Array<[string | Buffer, Thing]> | Record<string, Thing>) {
    this.#things = Array.isArray(things) ? things : Object.entries(things);
  }

  async list(folder: string): Promise<SourceEntry[]> {
    const prefix = folder === "." ? "" : `${folder}/`;
    return this.#things.flatMap(([path, thing]) => {
      const bytes = Buffer.from(path);
      if (!bytes.subarray(0, prefix.length).equals(Buffer.from(prefix))) return [];
      const content = contentOf(thing);
      const kind = typeof thing === "string" ? "file" : "link" in thing ? "link" : thing.kind;
      return [
        {
          path: bytes.subarray(prefix.length),
          kind,
          size: Buffer.byteLength(content),
          oid: Buffer.from(`oid ${content}`),
        },
      ];
    });
  }

  async hasFile(name: string): Promise<boolean> {
    return this.#things.some(([path]) => path === name);
  }

  async *read(entries: readonly SourceEntry[]) {
    for (const entry of entries) {
      this.reads++;
      yield { entry, content: chunks(entry.oid?.toString().slice(4) ?? "") };
    }
  }

  async checkout(): Promise<void> {}
}

function contentOf(thing: Thing): string {
  return typeof thing === "string" ? thing : "link" in thing ? thing.link : "";
}

async function* chunks(text: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  yield bytes.subarray(0, 1);
  yield bytes.subarray(1);
}
