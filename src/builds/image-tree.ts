import {
  type FilePlace,
  type KeptLayer,
  type MergedEntry,
  mergeLayers,
  type MergedTree,
  readPlaces,
} from "../images/index.ts";
import { SteppeError } from "../shared/errors.ts";
import type { FileSource, SourceEntry } from "./source-tree.ts";

/** As of an upload: 4 GiB. */
const MOST_SITE_BYTES = 4 * 1024 ** 3;

/**
 * An image, whose layers are here, as the source of a site. Its layers are read once to list it, and, of those that have something to be
 * read, once more for that.
 *
 * @param label what to call it in messages: `blog@v2`
 */
export function imageTree(layers: readonly KeptLayer[], label: string, signal: AbortSignal): FileSource {
  return new ImageTree(layers, label, signal);
}

class ImageTree implements FileSource {
  readonly label: string;
  readonly #layers: readonly KeptLayer[];
  readonly #signal: AbortSignal;
  readonly #found = new WeakMap<SourceEntry, MergedEntry>();
  #merged: MergedTree | undefined;

  constructor(layers: readonly KeptLayer[], label: string, signal: AbortSignal) {
    this.label = label;
    this.#layers = layers;
    this.#signal = signal;
  }

  /** Throws FOLDER_MISSING, IMAGE_INVALID, CONTENT_CORRUPT. */
  async list(folder: string): Promise<SourceEntry[]> {
    const { label, ...options } = { label: this.label, subject: this.label, signal: this.#signal };
    this.#merged ??= await mergeLayers(this.#layers, options);
    const merged = this.#merged.list(folder);
    if (merged === undefined) {
      const cause = `the image has no folder \`${folder}\``;
      const hint = "Check the app's `image.site`, and what the Dockerfile copies where.";
      throw new SteppeError("FOLDER_MISSING", { operation: "read", subject: label, cause, hint });
    }
    const entries = merged.map((item) => this.#entry(item));
    this.#checkSize(merged);
    return entries;
  }

  async *read(
    entries: readonly SourceEntry[],
  ): AsyncGenerator<{ entry: SourceEntry; content: AsyncIterable<Uint8Array> }> {
    const files = new Map<FilePlace, SourceEntry>();
    for (const entry of entries) {
      const found = this.#found.get(entry);
      if (found === undefined) throw new TypeError("not an entry of this image");
      if (found.kind === "file") files.set(found.place, entry);
      else yield { entry, content: once(found.kind === "link" ? found.target : Buffer.alloc(0)) };
    }
    if (files.size === 0) return;
    const options = { subject: this.label, signal: this.#signal };
    for await (const { place, content } of readPlaces(this.#layers, files.keys(), options)) {
      const entry = files.get(place);
      if (entry !== undefined) yield { entry, content };
    }
  }

  #entry(found: MergedEntry): SourceEntry {
    const { path, kind } = found;
    const size = found.kind === "file" ? found.place.size : found.kind === "link" ? found.target.length : 0;
    const entry: SourceEntry = { path, kind, size, oid: found.kind === "file" ? this.#oid(found.place) : null };
    this.#found.set(entry, found);
    return entry;
  }

  /** Hard links have one content, which is read once. */
  #oid({ layer, ordinal }: FilePlace): Buffer {
    return Buffer.from(`${this.#layers[layer]?.diffId} ${ordinal}`);
  }

  #checkSize(entries: readonly MergedEntry[]): void {
    const places = new Set(entries.flatMap((entry) => (entry.kind === "file" ? entry.place : [])));
    const bytes = [...places].reduce((sum, { size }) => sum + size, 0);
    if (bytes <= MOST_SITE_BYTES) return;
    const cause = `its site has ${bytes} bytes; ${MOST_SITE_BYTES} are allowed`;
    throw new SteppeError("IMAGE_INVALID", { operation: "read", subject: this.label, cause });
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void, void> {
  yield bytes;
}
