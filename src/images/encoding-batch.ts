import { rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../shared/atomic-file.ts";
import type { EncodingPlace } from "../store/index.ts";
import type { PackItem } from "./pack-format.ts";
import { PackWriter } from "./pack-writer.ts";
import type { PackedFileStore } from "./packed-file-store.ts";

/** Compressed forms on their way into a pack. */
export class EncodingBatch {
  readonly #files: PackedFileStore;
  readonly #writer: PackWriter;
  readonly #items: PackItem[] = [];
  readonly #places: EncodingPlace[] = [];
  readonly #replaced: Array<{ hash: Uint8Array; encoder: string }> = [];
  bytes = 0;

  constructor(files: PackedFileStore) {
    this.#files = files;
    this.#writer = new PackWriter(files.packFolder);
  }

  get count(): number {
    return this.#places.length;
  }

  /** `form` is null if it saves too little; `replaced` are weaker encoders' forms of the same file, which are given up. */
  async add(hash: Uint8Array, encoder: string, form: Uint8Array | null, replaced: readonly string[]): Promise<void> {
    const offset = this.#writer.position;
    if (form !== null) {
      await this.#writer.append(form);
      this.#items.push({ hash, encoder, offset, size: form.length });
      this.bytes += form.length;
    }
    this.#places.push({ hash, encoder, place: form === null ? null : { offset, size: form.length } });
    for (const other of replaced) this.#replaced.push({ hash, encoder: other });
  }

  async commit(): Promise<void> {
    if (this.#places.length === 0) return;
    const pack = this.#items.length === 0 ? null : await this.#writer.finish(this.#items);
    let needed = false;
    try {
      needed = this.#files.registerEncodings(pack, this.#places, this.#replaced);
    } finally {
      if (pack !== null && !needed) {
        await rm(join(this.#files.packFolder, pack.name), { force: true });
        syncFolder(this.#files.packFolder);
      }
    }
  }

  async discard(): Promise<void> {
    await this.#writer.discard();
  }
}
