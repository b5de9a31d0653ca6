import { createHash, hash as digestOf } from "node:crypto";
import type { FileBatch, StoredFile } from "../types.ts";
import type { ByteSpool, Kept } from "./byte-spool.ts";

/** The contents of a site's files while an image is made of it: read once, each content once. What imports trees takes it for a file store. */
export class SiteContent {
  readonly #spool: ByteSpool;
  readonly #contents = new Map<string, Kept>();

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

  /** The content with this SHA-256. */
  read(hash: Uint8Array): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    return this.#spool.content(this.#kept(hash));
  }

  whole(hash: Uint8Array): Promise<Buffer> {
    return this.#spool.whole(this.#kept(hash));
  }

  #kept(hash: Uint8Array): Kept {
    const kept = this.#contents.get(keyOf(hash));
    if (kept === undefined) throw new Error(`no file of the site has the content ${Buffer.from(hash).toString("hex")}`);
    return kept;
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
