import { constants } from "node:fs";
import { link, mkdir, open, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Header } from "tar-stream";
import { SteppeError, toSteppeError } from "../shared/errors.ts";
import { LONGEST_PATH, printablePath } from "./source-path.ts";

export interface UploadLimits {
  /** Bytes of all files together. Default 4 GiB. */
  maxBytes?: number;
  /** Files, folders and links. Default 1,000,000. */
  maxEntries?: number;
}

/**
 * Unpacks a tar archive that somebody sent into an empty folder. Nothing is written outside of it: no path and no link in the
 * archive is followed. Symbolic links are made as they are, for `importTree` to judge.
 *
 * Throws UPLOAD_INVALID, BODY_TOO_LARGE, PATH_NOT_UTF8, PATH_TOO_LONG, DISK_FULL; what was written until then stays for the caller to remove.
 *
 * @param archive the bytes of the archive, not compressed
 * @param into an empty folder
 * @param subject what it is for, in messages: the app
 */
export async function receiveUpload(
  archive: AsyncIterable<Uint8Array>,
  into: string,
  subject: string,
  limits: UploadLimits = {},
): Promise<void> {
  const upload = new Upload(into, subject, limits);
  const unpack = extract();
  // Why the archive broke off, which the iteration over its entries does not tell.
  let broken: unknown;
  const feeding = pipeline(Readable.from(archive), unpack).catch((error: unknown) => {
    broken = error;
  });
  try {
    for await (const entry of unpack) {
      await upload.take(entry.header, entry as AsyncIterable<Uint8Array>);
      entry.resume();
    }
    await feeding;
    if (broken !== undefined) throw broken;
  } catch (error) {
    if (error instanceof SteppeError) throw error;
    unpack.destroy();
    await feeding;
    // What the disk refused is the cause: the archive only broke off since we stopped reading.
    const cause = isOfTheSystem(error) ? error : (broken ?? error);
    const known = toSteppeError(cause, "unpack the upload for", subject);
    throw known.code === "INTERNAL" ? upload.invalid(known.reason) : known;
  } finally {
    unpack.destroy();
  }
}

function isOfTheSystem(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

/** An archive on its way onto the disk. */
class Upload {
  readonly #into: string;
  readonly #subject: string;
  readonly #limits: Required<UploadLimits>;
  /** All that was made, by path. Only what is in here as a folder is ever gone into. */
  readonly #made = new Map<string, "folder" | "file" | "link">();
  #bytes = 0;

  constructor(into: string, subject: string, { maxBytes = 4 * 1024 ** 3, maxEntries = 1_000_000 }: UploadLimits) {
    this.#into = into;
    this.#subject = subject;
    this.#limits = { maxBytes, maxEntries };
  }

  async take(header: Header, content: AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.#checked(header.name);
    const type = header.type ?? "entry of a kind that is not known (a file with holes?)";
    if (type === "directory") return this.#makeFolder(path);
    if (path === "") throw this.invalid("it holds a file without a name");
    if (this.#made.has(path)) throw this.invalid(`\`${path}\` is in it twice`);
    await this.#makeFolder(path.includes("/") ? dirname(path) : "");
    this.#made.set(path, type === "symlink" ? "link" : "file");
    this.#count();
    if (type === "file" || type === "contiguous-file") await this.#write(path, content);
    else if (type === "symlink") await symlink(header.linkname ?? "", join(this.#into, path));
    else if (type === "link") await this.#hardLink(path, header.linkname ?? "");
    else throw this.invalid(`\`${path}\` is a ${type}; it may hold files, folders and links`);
  }

  async #makeFolder(path: string): Promise<void> {
    if (path === "" || this.#made.get(path) === "folder") return;
    if (this.#made.has(path)) throw this.invalid(`\`${path}\` is in it both as a folder and as something else`);
    await this.#makeFolder(path.includes("/") ? dirname(path) : "");
    await mkdir(join(this.#into, path), { mode: 0o755 });
    this.#made.set(path, "folder");
    this.#count();
  }

  async #write(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    await using file = await open(join(this.#into, path), flags, 0o644);
    for await (const chunk of content) {
      this.#bytes += chunk.length;
      if (this.#bytes > this.#limits.maxBytes) {
        const cause = `its files are more than ${this.#limits.maxBytes} bytes`;
        throw new SteppeError("BODY_TOO_LARGE", { operation: "unpack the upload for", subject: this.#subject, cause });
      }
      await file.writeFile(chunk);
    }
  }

  /** tar's way to say that a file has two names: the first must be a file of this archive. */
  async #hardLink(path: string, target: string): Promise<void> {
    const existing = this.#checked(target);
    if (this.#made.get(existing) !== "file")
      throw this.invalid(`\`${path}\` is a link to \`${target}\`, which is no file of it`);
    await link(join(this.#into, existing), join(this.#into, path));
  }

  #checked(name: string): string {
    const names = name.split("/").filter((one) => one !== "" && one !== ".");
    const shown = printablePath(Buffer.from(name));
    if (name.startsWith("/") || names.includes("..")) throw this.invalid(`the path \`${shown}\` leads out of it`);
    const parts = { operation: "unpack the upload for", subject: this.#subject };
    if (name.includes("\ufffd")) {
      throw new SteppeError("PATH_NOT_UTF8", { ...parts, cause: `\`${shown}\` is a name that is not UTF-8` });
    }
    const path = names.join("/");
    const length = Buffer.byteLength(path);
    if (length > LONGEST_PATH) {
      throw new SteppeError("PATH_TOO_LONG", { ...parts, cause: `\`${shown}\` is a path of ${length} bytes` });
    }
    return path;
  }

  #count(): void {
    if (this.#made.size > this.#limits.maxEntries)
      throw this.invalid(`it holds more than ${this.#limits.maxEntries} entries`);
  }

  invalid(cause: string): SteppeError {
    return new SteppeError("UPLOAD_INVALID", { operation: "unpack the upload for", subject: this.#subject, cause });
  }
}
