import { type FileHandle, open } from "node:fs/promises";
import { join, posix } from "node:path";
import { errno, SteppeError, toSteppeError } from "../../shared/errors.ts";
import { type ByteSource, type TarEntry, TarReader } from "./tar-reader.ts";

/** The files of an image in a folder or in an archive, by their paths in it. */
export interface ImageFiles extends AsyncDisposable {
  /** What it is, in messages. */
  readonly subject: string;
  /** Bytes of a file; undefined if it is not there. */
  size(path: string): Promise<number | undefined>;
  /** A file as a stream. Throws IMAGE_INVALID if it is not there. */
  content(path: string): AsyncGenerator<Buffer, void, void>;
}

const PIECE = 256 * 1024;
const MOST_NAME_BYTES = 4096;
/** An image has a few files for each layer. */
const MOST_ENTRIES = 100_000;
const MOST_LINKS = 8;

/** A whole small file. Throws IMAGE_INVALID if it is not there, or has more bytes than that. */
export async function readSmall(files: ImageFiles, path: string, most: number): Promise<Buffer> {
  const size = await files.size(path);
  if (size === undefined) throw notThere(files.subject, path);
  if (size > most) throw invalid(files.subject, `its \`${path}\` has ${size} bytes, more than ${most}`);
  const chunks: Buffer[] = [];
  for await (const chunk of files.content(path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** @param root the folder; paths are not followed out of it, since they are made of digests */
export function folderFiles(root: string): ImageFiles {
  return {
    subject: root,
    async size(path) {
      await using file = await openIn(root, path);
      return file && (await file.stat()).size;
    },
    async *content(path) {
      await using file = await openIn(root, path);
      if (file === undefined) throw notThere(root, path);
      yield* pieces(file, 0, (await file.stat()).size, root);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Reads where in a tar archive each file is. Throws IMAGE_INVALID. */
export async function archiveFiles(path: string): Promise<ImageFiles> {
  await using stack = new AsyncDisposableStack();
  const file = stack.use(
    await open(path, "r").catch((error: unknown) => Promise.reject(toSteppeError(error, "read", path))),
  );
  const entries = new Map<string, TarEntry>();
  const reader = new TarReader(new FileBytes(file), path);
  for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
    if (Math.max(entry.name.length, entry.target.length) > MOST_NAME_BYTES)
      throw invalid(path, "it has names that are too long");
    entries.set(posix.normalize(entry.name.toString("utf8")), entry);
    if (entries.size > MOST_ENTRIES) throw invalid(path, `it has more than ${MOST_ENTRIES} files`);
  }
  const resources = stack.move();
  const find = (name: string): TarEntry | undefined => findEntry(entries, name);
  return {
    subject: path,
    size: async (name) => find(name)?.size,
    async *content(name) {
      const entry = find(name);
      if (entry === undefined) throw notThere(path, name);
      yield* pieces(file, entry.offset, entry.size, path);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Links within the archive are followed: `docker save` writes a layer once, and links to it. */
function findEntry(entries: ReadonlyMap<string, TarEntry>, name: string): TarEntry | undefined {
  let path = posix.normalize(name);
  for (let links = 0; links <= MOST_LINKS; links++) {
    const entry = entries.get(path);
    if (entry?.kind !== "link" && entry?.kind !== "hard link") return entry?.kind === "file" ? entry : undefined;
    const target = entry.target.toString("utf8");
    path = posix.normalize(entry.kind === "link" ? posix.join(posix.dirname(path), target) : target);
  }
  return undefined;
}

/** A file from its begin, of which contents that nobody wants are not read. */
class FileBytes implements ByteSource {
  readonly #file: FileHandle;
  #position = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async read(count: number): Promise<Buffer> {
    const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(count), 0, count, this.#position);
    this.#position += bytesRead;
    return buffer.subarray(0, bytesRead);
  }

  async *take(count: number): AsyncGenerator<Uint8Array, void, void> {
    for (let left = count; left > 0;) {
      const piece = await this.read(Math.min(left, PIECE));
      if (piece.length === 0) return;
      left -= piece.length;
      yield piece;
    }
  }

  async skip(count: number): Promise<void> {
    this.#position += count;
  }
}

async function openIn(root: string, path: string): Promise<FileHandle | undefined> {
  try {
    return await open(join(root, path), "r");
  } catch (error) {
    if (errno(error) === "ENOENT" || errno(error) === "ENOTDIR") return undefined;
    throw toSteppeError(error, "read", root);
  }
}

async function* pieces(
  file: FileHandle,
  offset: number,
  size: number,
  subject: string,
): AsyncGenerator<Buffer, void, void> {
  for (let done = 0; done < size;) {
    const length = Math.min(PIECE, size - done);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset + done);
    if (bytesRead === 0) throw invalid(subject, "it ends within a file");
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function notThere(subject: string, path: string): SteppeError {
  return invalid(subject, `it has no file \`${path}\``);
}

export function invalid(subject: string, cause: string): SteppeError {
  return new SteppeError("IMAGE_INVALID", { operation: "read the image in", subject, cause });
}
