import { createReadStream } from "node:fs";
import { constants, type FileHandle, lstat, open, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Header, type Pack, pack } from "tar-stream";
import { errno, SteppeError, toSteppeError } from "../shared/errors.ts";

const SMALL_FILE = 1024 * 1024;

type EntryHeader = Partial<Header> & Pick<Header, "name">;

/** Never sent from the top of a folder: they are not the site, and may be large or secret. */
const LEFT_OUT = new Set([".git", ".steppe"]);

/**
 * A folder as a tar archive, made while it is read: files, folders and symbolic links as such, in the order of their names'
 * bytes. `.git` and `.steppe` at its top are left out.
 *
 * The iteration throws FOLDER_MISSING, FILE_UNSUPPORTED, PATH_NOT_UTF8, and UPLOAD_INVALID for a file that changed meanwhile.
 */
export async function* tarFolder(folder: string): AsyncGenerator<Uint8Array> {
  await requireFolder(folder);
  const archive = pack();
  let failure: Error | undefined;
  const filled = addFolder(archive, folder, "").then(
    () => archive.finalize(),
    (error: unknown) => {
      failure = toSteppeError(error, "send", folder);
      archive.destroy(failure); // never a whole archive of half a folder
    },
  );
  try {
    yield* archive as AsyncIterable<Uint8Array>;
  } catch (error) {
    await filled;
    throw failure ?? error;
  } finally {
    archive.destroy(); // ends the adding, if the reader left early
    await filled;
  }
}

async function requireFolder(folder: string): Promise<void> {
  const cause = await lstat(`${folder}/`).then(
    (stats) => (stats.isDirectory() ? undefined : "it is no folder"),
    (error: unknown) => (errno(error) === "ENOENT" ? "it does not exist" : (errno(error) ?? String(error))),
  );
  if (cause === undefined) return;
  throw new SteppeError("FOLDER_MISSING", {
    operation: "send",
    subject: folder,
    cause: cause === "ENOTDIR" ? "it is no folder" : cause,
    hint: "Give the folder that holds the site.",
  });
}

async function addFolder(archive: Pack, folder: string, prefix: string): Promise<void> {
  const entries = await readdir(join(folder, prefix), { encoding: "buffer", withFileTypes: true });
  entries.sort((a, b) => Buffer.compare(a.name, b.name));
  for (const entry of entries) {
    const name = prefix + decode(entry.name, folder, prefix);
    if (LEFT_OUT.has(name)) continue;
    const path = join(folder, name);
    if (entry.isDirectory()) {
      await addEntry(archive, { name: `${name}/`, type: "directory", mode: 0o755 });
      await addFolder(archive, folder, `${name}/`);
    } else if (entry.isSymbolicLink()) {
      const linkname = decode(await readlink(path, { encoding: "buffer" }), folder, `${name} → `);
      await addEntry(archive, { name, type: "symlink", linkname, mode: 0o777 });
    } else if (entry.isFile()) {
      await addFile(archive, path, name);
    } else {
      throw new SteppeError("FILE_UNSUPPORTED", {
        operation: "send",
        subject: path,
        cause: "it is neither file, folder nor link",
      });
    }
  }
}

async function addFile(archive: Pack, path: string, name: string): Promise<void> {
  // A link that was put in its place meanwhile is not followed.
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const { size } = await file.stat();
  const header: EntryHeader = { name, size, type: "file", mode: 0o644 };
  if (size <= SMALL_FILE) {
    await addEntry(archive, header, await readWhole(file, size, path));
    return;
  }
  try {
    await pipeline(
      createReadStream(path, { fd: file, autoClose: false, start: 0, end: size - 1 }),
      archive.entry(withTime(header)),
    );
  } catch (error) {
    throw error instanceof Error && error.message === "Size mismatch" ? changed(path) : error;
  }
}

async function readWhole(file: FileHandle, size: number, path: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  for (let offset = 0; offset < size;) {
    const { bytesRead } = await file.read(buffer, offset, size - offset, offset);
    if (bytesRead === 0) throw changed(path);
    offset += bytesRead;
  }
  return buffer;
}

/** Resolves when the reader has taken the entry. */
function addEntry(archive: Pack, header: EntryHeader, content?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    const sink = archive.entry(withTime(header), done);
    if (content !== undefined) sink.end(content);
  });
}

/** The time of a file says nothing about its content. */
function withTime(header: EntryHeader): EntryHeader {
  return { ...header, mtime: new Date(0) };
}

function changed(path: string): SteppeError {
  return new SteppeError("UPLOAD_INVALID", {
    operation: "send",
    subject: path,
    cause: "it changed while it was sent",
    hint: "Try again when nothing writes to the folder.",
  });
}

function decode(bytes: Buffer, folder: string, prefix: string): string {
  const text = bytes.toString("utf8");
  if (Buffer.from(text).equals(bytes)) return text;
  throw new SteppeError("PATH_NOT_UTF8", {
    operation: "send",
    subject: join(folder, prefix + text),
    cause: `its name is no UTF-8 (bytes ${bytes.toString("hex")})`,
  });
}
