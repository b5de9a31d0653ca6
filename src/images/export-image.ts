import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SteppeError, toSteppeError } from "../shared/errors.ts";
import type { ImageStore, OciImage } from "./image-store.ts";
import { type Descriptor, json, MEDIA_TYPES } from "./oci-manifest.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar-header.ts";

/** Where an image goes: a folder that is empty or not there, or a stream that gets a tar archive (`oci-archive:` of skopeo). */
export type ExportTarget = { folder: string } | { archive: Writable };

export interface ExportOptions {
  /** What to call the image in the layout: `skopeo copy oci:FOLDER:NAME`. Default `latest`. */
  name?: string;
}

/** One file of a layout. Its content is read once, when its turn has come. */
interface LayoutFile {
  path: string;
  size: number;
  content: () => AsyncIterable<Buffer>;
}

/**
 * Writes an image as an OCI image layout, its layers made on the way and checked against their digests.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 * Throws CONTENT_CORRUPT, DISK_FULL, USAGE if the folder holds something.
 */
export async function exportImage(
  images: ImageStore,
  digest: string,
  target: ExportTarget,
  { name = "latest" }: ExportOptions = {},
): Promise<void> {
  const files = layoutFiles(await images.open(digest), name);
  if ("archive" in target) await writeArchive(files, target.archive);
  else await writeFolder(files, target.folder);
}

/** The index comes last: a layout that has one is whole. */
function layoutFiles(image: OciImage, name: string): LayoutFile[] {
  const manifest: Descriptor = {
    mediaType: MEDIA_TYPES.manifest,
    digest: image.digest,
    size: image.manifest.length,
    annotations: { "org.opencontainers.image.ref.name": name },
  };
  return [
    file("oci-layout", json({ imageLayoutVersion: "1.0.0" })),
    ...image.layers.map(({ digest, size, content }) => ({ path: blobPath(digest), size, content })),
    file(blobPath(image.configDigest), image.config),
    file(blobPath(image.digest), image.manifest),
    file("index.json", json({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [manifest] })),
  ];
}

function file(path: string, bytes: Buffer): LayoutFile {
  return {
    path,
    size: bytes.length,
    async *content() {
      yield bytes;
    },
  };
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

async function writeFolder(files: readonly LayoutFile[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    const hint = "Give a new folder.";
    throw new SteppeError("USAGE", { operation: "export to", subject: folder, cause: "the folder is not empty", hint });
  }
  try {
    for (const { path, content } of files) {
      const to = join(folder, path);
      await mkdir(dirname(to), { recursive: true });
      await pipeline(Readable.from(content()), createWriteStream(`${to}.tmp`, { flags: "wx", flush: true }));
      await rename(`${to}.tmp`, to);
    }
  } catch (error) {
    await Promise.all(["oci-layout", "oci-layout.tmp", "index.json.tmp", "blobs"].map((path) => remove(folder, path)));
    throw toSteppeError(error, "export to", folder);
  }
}

function remove(folder: string, path: string): Promise<void> {
  return rm(join(folder, path), { recursive: true, force: true });
}

async function writeArchive(files: readonly LayoutFile[], into: Writable): Promise<void> {
  try {
    await pipeline(Readable.from(archive(files), { objectMode: false }), into);
  } catch (error) {
    throw toSteppeError(error, "export", "an archive");
  }
}

async function* archive(files: readonly LayoutFile[]): AsyncGenerator<Buffer, void, void> {
  for (const { path, size, content } of files) {
    yield tarHeader(path, size);
    yield* content();
    yield Buffer.alloc(tarPadding(size));
  }
  yield TAR_END;
}
