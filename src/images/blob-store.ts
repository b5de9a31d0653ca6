import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeFileAtomic } from "../shared/atomic-file.ts";
import { errno, SteppeError, toSteppeError } from "../shared/errors.ts";
import { type Descriptor, json, layoutIndex, OCI_LAYOUT } from "./oci-manifest.ts";
import { verified } from "./layer-content.ts";
import { DigestCheck } from "./registry/digest.ts";
import { isDigest } from "./registry/reference.ts";

/** A blob's name and size. */
export type BlobName = Pick<Descriptor, "digest" | "size">;

const ALGORITHMS = ["sha256", "sha512"];
const TEMPORARY = ".tmp";
const READ_BYTES = 256 * 1024;

/**
 * Blobs in an OCI image layout: `oci-layout`, `index.json`, `blobs/ALGORITHM/HEX`. Each is written beside, checked, synced and renamed, so that what lies
 * under a name is whole; images share them. Whose blob is whose is known by others.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export class BlobStore {
  readonly folder: string;

  /** Opens the layout in this folder, which exists; removes what a crash left half-written. */
  constructor(folder: string) {
    this.folder = folder;
    for (const algorithm of ALGORITHMS) mkdirSync(join(folder, "blobs", algorithm), { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) if (name.endsWith(TEMPORARY)) rmSync(join(folder, name));
    this.#replace("oci-layout", OCI_LAYOUT);
  }

  /** Whether a blob of this name and size is there. */
  has({ digest, size }: BlobName): boolean {
    return statSync(this.#path(digest), { throwIfNoEntry: false })?.size === size;
  }

  /**
   * Adds a blob, read once, in bounded memory. One that is there is replaced by itself.
   * Throws IMAGE_INVALID if the content is not what the name says; DISK_FULL; what the content throws; the signal's reason.
   */
  async add(name: BlobName, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const temporary = join(this.folder, `blob-${randomBytes(12).toString("hex")}${TEMPORARY}`);
    const path = this.#path(name.digest);
    try {
      await using file = await open(temporary, "wx", 0o600);
      await write(file, name, content, signal);
      await file.sync();
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      if (signal.aborted) throw error;
      throw toSteppeError(error, "store", name.digest);
    }
    syncFolder(join(path, ".."));
  }

  /**
   * A blob as a stream, checked. Throws CONTENT_CORRUPT if it is not there, and at its end if it is not what its name says: it is removed then, so that it is
   * known to be lost, and asked for when its image comes again.
   */
  async *content(name: BlobName): AsyncGenerator<Buffer, void, void> {
    const path = this.#path(name.digest);
    await using file = await openBlob(path, name.digest);
    const { ino } = await file.stat();
    try {
      yield* verified(pieces(file), name);
    } catch (error) {
      const isDamaged = error instanceof SteppeError && error.code === "CONTENT_CORRUPT";
      // Unless it came again meanwhile.
      if (isDamaged && statSync(path, { throwIfNoEntry: false })?.ino === ino) this.remove([name.digest]);
      throw error;
    }
  }

  /** All blobs that are there. */
  list(): BlobName[] {
    return ALGORITHMS.flatMap((algorithm) =>
      readdirSync(join(this.folder, "blobs", algorithm)).map((hex) => {
        const path = join(this.folder, "blobs", algorithm, hex);
        return { digest: `${algorithm}:${hex}`, size: statSync(path).size };
      }),
    );
  }

  /** Removes blobs; who reads one at the moment reads on. */
  remove(digests: readonly string[]): void {
    for (const digest of digests) rmSync(join(this.folder, "blobs", digest.replace(":", "/")), { force: true });
    if (digests.length > 0) for (const algorithm of ALGORITHMS) syncFolder(join(this.folder, "blobs", algorithm));
  }

  /** Says which manifests the layout offers. Each is called by the digits of its digest: `skopeo copy oci:DIR:HEX …`. */
  writeIndex(manifests: readonly Descriptor[]): void {
    const named = manifests.map(({ mediaType, digest, size }) => ({
      descriptor: { mediaType, digest, size },
      name: digest.slice(digest.indexOf(":") + 1),
    }));
    this.#replace("index.json", layoutIndex(named));
  }

  /** Writes a file that is not as it should be: each write is a sync, and most starts change nothing. */
  #replace(name: string, content: object): void {
    const path = join(this.folder, name);
    const bytes = json(content);
    if (readIfThere(path)?.equals(bytes) !== true) writeFileAtomic(path, bytes);
  }

  #path(digest: string): string {
    if (isDigest(digest)) return join(this.folder, "blobs", digest.replace(":", "/"));
    throw new SteppeError("IMAGE_INVALID", {
      operation: "name",
      subject: digest,
      cause: "this is no digest of a blob",
    });
  }
}

async function openBlob(path: string, digest: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (errno(error) !== "ENOENT") throw toSteppeError(error, "read", digest);
    const parts = { operation: "read", subject: digest, cause: "this blob of an image is lost" };
    throw new SteppeError("CONTENT_CORRUPT", parts, { cause: error });
  }
}

async function* pieces(file: FileHandle): AsyncGenerator<Buffer, void, void> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function write(
  file: FileHandle,
  { digest, size }: BlobName,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const check = new DigestCheck(digest);
  let done = 0;
  for await (const chunk of content) {
    signal.throwIfAborted();
    done += chunk.length;
    if (done > size) throw unlike(digest, `more came than the ${size} bytes of it`);
    check.update(chunk);
    for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
  }
  signal.throwIfAborted();
  const found = check.digest();
  if (found !== digest || done !== size)
    throw unlike(digest, `what came is ${found}, ${done} bytes in place of ${size}`);
}

function unlike(digest: string, cause: string): SteppeError {
  return new SteppeError("IMAGE_INVALID", { operation: "store", subject: digest, cause });
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw error;
  }
}
