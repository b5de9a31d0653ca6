import { createHash } from "node:crypto";
import { SteppeError } from "../../shared/errors.ts";
import { ByteReader } from "../byte-reader.ts";
import { layerArchive } from "./layer-archive.ts";
import { type FilePlace, MergedTree } from "./merged-tree.ts";
import { TarReader } from "./tar-reader.ts";

/** A layer whose blob is here. */
export interface KeptLayer {
  /** The digest of its archive. */
  diffId: string;
  /** The blob, compressed or not, as often as wanted. */
  content(): AsyncIterable<Buffer>;
}

/** A bomb is noticed here, before it has taken any disk: of what is unpacked nothing is kept but the site. */
const MOST_UNPACKED_BYTES = 32 * 1024 ** 3;

/**
 * Reads what the layers of an image make together. Each is read to its end and checked; no content is kept.
 * Throws IMAGE_INVALID, CONTENT_CORRUPT; the signal's reason.
 */
export async function mergeLayers(
  layers: readonly KeptLayer[],
  { subject, signal }: { subject: string; signal: AbortSignal },
): Promise<MergedTree> {
  const tree = new MergedTree(subject);
  let left = MOST_UNPACKED_BYTES;
  for (const [index, { diffId, content }] of layers.entries()) {
    const what = describe(subject, index);
    const hash = createHash("sha256");
    const counted = async function* count(): AsyncGenerator<Buffer, void, void> {
      for await (const chunk of layerArchive(content(), what)) {
        signal.throwIfAborted();
        left -= chunk.length;
        if (left < 0)
          throw refused(what, `the layers have more than ${MOST_UNPACKED_BYTES} bytes when they are unpacked`);
        hash.update(chunk);
        yield chunk;
      }
    };
    await using reader = new ByteReader(counted());
    const tar = new TarReader(reader, what);
    let ordinal = 0;
    for (let entry = await tar.next(); entry !== undefined; entry = await tar.next())
      tree.apply(entry, index, ordinal++);
    await reader.skip(Number.POSITIVE_INFINITY); // what follows the archive's end is part of what is digested
    const found = `sha256:${hash.digest("hex")}`;
    if (found !== diffId)
      throw refused(what, `it is ${found} when it is unpacked, and not ${diffId} as the config says`);
  }
  return tree;
}

/** The contents of files, each once, in the order in which they lie in the layers; of these only what is needed is read. */
export async function* readPlaces(
  layers: readonly KeptLayer[],
  places: Iterable<FilePlace>,
  { subject, signal }: { subject: string; signal: AbortSignal },
): AsyncGenerator<{ place: FilePlace; content: AsyncIterable<Buffer> }, void, void> {
  const wanted = new Map<number, Map<number, FilePlace>>();
  for (const place of places) {
    const ofLayer = wanted.get(place.layer) ?? new Map<number, FilePlace>();
    wanted.set(place.layer, ofLayer.set(place.ordinal, place));
  }
  for (const [index, ordinals] of [...wanted].sort(([a], [b]) => a - b)) {
    const layer = layers[index];
    if (layer === undefined) throw new TypeError("not a place of these layers");
    const what = describe(subject, index);
    await using reader = new ByteReader(layerArchive(layer.content(), what));
    const tar = new TarReader(reader, what);
    for (let ordinal = 0; ordinals.size > 0; ordinal++) {
      signal.throwIfAborted();
      const entry = await tar.next();
      if (entry === undefined) throw refused(what, "it has become another while it was read");
      const place = ordinals.get(ordinal);
      if (place === undefined) continue;
      ordinals.delete(ordinal);
      yield { place, content: tar.content() };
    }
  }
}

function describe(subject: string, index: number): string {
  return `layer ${index + 1} of ${subject}`;
}

function refused(subject: string, cause: string): SteppeError {
  return new SteppeError("IMAGE_INVALID", { operation: "read", subject, cause });
}
