import { createHash } from "node:crypto";
import { SteppeError } from "../shared/errors.ts";
import type { OpenPack, OpenPacks } from "./open-packs.ts";
import { DigestCheck } from "./registry/digest.ts";
import { missingFolders, TAR_END, tarHeader, tarPadding } from "./tar-header.ts";
import type { Location } from "./types.ts";

/** A file of a layer, and where its content lies. */
export interface LayerFile {
  /** Below `/www`. */
  path: string;
  location: Location;
}

/** An archive is made in pieces of this size. */
const CHUNK_BYTES = 2 * 1024 ** 2;
/** Contents that lie so near to each other in a pack are read at once, with what lies between. */
const MAX_GAP = 64 * 1024;
const MAX_SPAN = 2 * CHUNK_BYTES;

/** Memory for one chunk, and for what is read to fill it. */
class ChunkMemory {
  readonly bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  #span = Buffer.alloc(0);

  span(length: number): Buffer {
    if (this.#span.length < length) this.#span = Buffer.allocUnsafeSlow(Math.max(length, CHUNK_BYTES));
    return this.#span.subarray(0, length);
  }
}

/** Part of an archive whose contents are still to be read. */
interface Chunk {
  memory: ChunkMemory;
  used: number;
  reads: Read[];
}

interface Read {
  pack: string;
  offset: number;
  length: number;
  /** Where in the chunk. */
  at: number;
}

/**
 * The tar archive of a layer: folders and files below `www/`, in the order given. The contents are read in large
 * pieces, the next one while the one before is used. Every pack is opened before the first read, so that garbage collection
 * cannot come in between. Chunks are the caller's to keep, unless it gives memory for two, which is then used in turns: a chunk is
 * over when the next is asked for (measured: half the time, for the garbage that is not made).
 */
export async function* layerContent(
  files: readonly LayerFile[],
  packs: OpenPacks,
  reused?: readonly [ChunkMemory, ChunkMemory],
): AsyncGenerator<Buffer, void, void> {
  using stack = new DisposableStack();
  const open = new Map<string, OpenPack>();
  for (const { location } of files) {
    if (!open.has(location.pack)) open.set(location.pack, stack.use(packs.open(location.pack)));
  }
  let ahead: Promise<Buffer> | undefined;
  try {
    let turn = 0;
    const memory = (): ChunkMemory => reused?.[turn++ & 1] ?? new ChunkMemory();
    for (const chunk of planChunks(files, memory)) {
      const ready = ahead;
      ahead = fill(chunk, open);
      ahead.catch(() => {}); // it is awaited below, unless the consumer stops before
      if (ready !== undefined) yield await ready;
    }
    if (ahead !== undefined) yield await ahead;
  } finally {
    await ahead?.catch(() => {}); // no descriptor is closed under a read
  }
}

/** The digest and the length of what `layerContent` gives. */
export async function digestLayer(
  files: readonly LayerFile[],
  packs: OpenPacks,
): Promise<{ digest: string; size: number }> {
  const hashing = createHash("sha256");
  let size = 0;
  for await (const chunk of layerContent(files, packs, [new ChunkMemory(), new ChunkMemory()])) {
    hashing.update(chunk);
    size += chunk.length;
  }
  return { digest: `sha256:${hashing.digest("hex")}`, size };
}

/** Passes a blob on, and throws CONTENT_CORRUPT at its end if it is not the one with this digest. */
export async function* verified(
  content: AsyncIterable<Buffer>,
  { digest, size }: { digest: string; size: number },
): AsyncGenerator<Buffer, void, void> {
  const check = new DigestCheck(digest);
  let length = 0;
  for await (const chunk of content) {
    check.update(chunk);
    length += chunk.length;
    yield chunk;
  }
  const found = check.digest();
  if (found === digest && length === size) return;
  const cause = `its content has become ${found}, ${length} bytes`;
  throw new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: digest, cause });
}

function* planChunks(files: readonly LayerFile[], memory: () => ChunkMemory): Generator<Chunk, void, void> {
  let chunk: Chunk = { memory: memory(), used: 0, reads: [] };
  for (const part of parts(files)) {
    for (let done = 0; done < part.length;) {
      const length = Math.min(part.length - done, CHUNK_BYTES - chunk.used);
      if (part instanceof Uint8Array) chunk.memory.bytes.set(part.subarray(done, done + length), chunk.used);
      else chunk.reads.push({ pack: part.pack, offset: part.offset + done, length, at: chunk.used });
      chunk.used += length;
      done += length;
      if (chunk.used < CHUNK_BYTES) continue;
      yield chunk;
      chunk = { memory: memory(), used: 0, reads: [] };
    }
  }
  yield chunk;
}

/** The archive as bytes that are known and contents that lie in packs. */
function* parts(files: readonly LayerFile[]): Generator<Buffer | { pack: string; offset: number; length: number }> {
  const folders = new Set<string>();
  for (const { path, location } of files) {
    const name = `www/${path}`;
    for (const folder of missingFolders(name, folders)) yield tarHeader(folder, 0);
    yield tarHeader(name, location.size);
    yield { pack: location.pack, offset: location.offset, length: location.size };
    yield TAR_END.subarray(0, tarPadding(location.size));
  }
  yield TAR_END;
}

async function fill({ memory, used, reads }: Chunk, open: ReadonlyMap<string, OpenPack>): Promise<Buffer> {
  for (const group of coalesce(reads)) {
    const [first] = group;
    const pack = first && open.get(first.pack);
    if (first === undefined || pack === undefined) continue;
    if (group.length === 1) {
      await pack.read(memory.bytes.subarray(first.at, first.at + first.length), first.offset);
      continue;
    }
    const end = Math.max(...group.map(({ offset, length }) => offset + length));
    const span = memory.span(end - first.offset);
    await pack.read(span, first.offset);
    for (const { offset, length, at } of group) {
      span.copy(memory.bytes, at, offset - first.offset, offset - first.offset + length);
    }
  }
  return memory.bytes.subarray(0, used);
}

/** Reads that are near to each other, together. */
function coalesce(reads: Read[]): Read[][] {
  const groups: Read[][] = [];
  let group: Read[] = [];
  for (const read of reads.sort((a, b) => (a.pack === b.pack ? a.offset - b.offset : a.pack < b.pack ? -1 : 1))) {
    const [first] = group;
    const last = group.at(-1);
    const near =
      first?.pack === read.pack &&
      last !== undefined &&
      read.offset - (last.offset + last.length) <= MAX_GAP &&
      read.offset + read.length - first.offset <= MAX_SPAN;
    if (!near) groups.push((group = []));
    group.push(read);
  }
  return groups;
}
