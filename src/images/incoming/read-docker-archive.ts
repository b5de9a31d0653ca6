import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, type Gzip } from "node:zlib";
import { toSteppeError } from "../../shared/errors.ts";
import type { BlobName } from "../blob-store.ts";
import { type Descriptor, json, MEDIA_TYPES, sha256Digest } from "../oci-manifest.ts";
import { isObject } from "../registry/json-document.ts";
import type { IncomingLayer } from "../types.ts";
import { archiveFiles, type ImageFiles, invalid, readSmall } from "./image-files.ts";
import { parseImageConfig } from "./image-config.ts";
import { compressionOf } from "./layer-archive.ts";
import { MOST_CONFIG_BYTES, type OpenImage, openLayout } from "./read-oci-layout.ts";

/** Remembers what layers became when they were compressed. */
export interface CompressedLayers {
  /** The compressed form of the layer with this diff id, if it is here still. */
  compressed(diffId: string): BlobName | undefined;
  rememberCompressed(diffId: string, blob: BlobName): void;
}

export interface ReadDockerArchiveOptions {
  /** So that a layer that is here already is not compressed again. */
  layers: CompressedLayers;
  signal: AbortSignal;
}

/** As Docker compresses what it pushes. */
const LEVEL = 6;
const MOST_LAYERS = 1000;

/**
 * Opens what `docker save` wrote of one image: the form with `manifest.json` that all versions write. Its layers are not compressed: they are
 * here, the same bytes for the same layer, so that little is to be pushed; temporary files lie beside the archive until the image is disposed of.
 * The manifest is made here: the same for the same config and layers. Where the archive is an OCI layout as well, whose
 * layers are compressed, as a Docker with containerd's store writes it, that image is taken as it is.
 *
 * Throws IMAGE_INVALID if the archive is damaged, or holds no image, or several; DISK_FULL; the signal's reason.
 */
export async function readDockerArchive(
  file: string,
  { layers, signal }: ReadDockerArchiveOptions,
): Promise<OpenImage> {
  await using stack = new AsyncDisposableStack();
  const files = stack.use(await archiveFiles(file));
  if ((await files.size("manifest.json")) === undefined || (await hasCompressedLayout(files))) {
    stack.move();
    return await openLayout(files, {});
  }
  const { configPath, layerPaths } = await readManifest(files);
  const config = await readSmall(files, configPath, MOST_CONFIG_BYTES);
  const { diffIds } = parseImageConfig(config);
  if (layerPaths.length !== diffIds.length || diffIds.length > MOST_LAYERS) {
    throw invalid(files.subject, `it has ${layerPaths.length} layers, and its config names ${diffIds.length}`);
  }
  const folder = await mkdtemp(join(dirname(file), "layers-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const compress = new LayerCompression(files, layers, folder, signal);
  const incoming: IncomingLayer[] = [];
  for (const [i, path] of layerPaths.entries()) incoming.push(await compress.layer(path, diffIds[i] ?? ""));
  const described = { mediaType: MEDIA_TYPES.config, digest: sha256Digest(config), size: config.length };
  const manifest = json({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: described,
    layers: incoming.map(({ descriptor }) => descriptor),
  });
  const resources = stack.move();
  return {
    manifest,
    mediaType: MEDIA_TYPES.manifest,
    config,
    layers: incoming,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

class LayerCompression {
  readonly #files: ImageFiles;
  readonly #known: CompressedLayers;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  /** Two layers may be the same: none at all, or a folder that was made again. */
  readonly #done = new Map<string, IncomingLayer>();

  constructor(files: ImageFiles, known: CompressedLayers, folder: string, signal: AbortSignal) {
    this.#files = files;
    this.#known = known;
    this.#folder = folder;
    this.#signal = signal;
  }

  async layer(path: string, diffId: string): Promise<IncomingLayer> {
    this.#signal.throwIfAborted();
    const done = this.#done.get(diffId);
    if (done !== undefined) return done;
    const layer = (await this.#asItIs(path)) ?? (await this.#compressed(path, diffId));
    this.#done.set(diffId, layer);
    return layer;
  }

  /** A layer that somebody compressed. */
  async #asItIs(path: string): Promise<IncomingLayer | undefined> {
    const compression = compressionOf(await beginOf(this.#files, path));
    if (compression !== "gzip" && compression !== "zstd") return undefined;
    const hashing = createHash("sha256");
    for await (const chunk of this.#files.content(path)) hashing.update(chunk);
    const size = (await this.#files.size(path)) ?? 0;
    const mediaType = `${MEDIA_TYPES.layer}+${compression}`;
    const descriptor = { mediaType, digest: `sha256:${hashing.digest("hex")}`, size };
    return { descriptor, content: () => this.#files.content(path) };
  }

  async #compressed(path: string, diffId: string): Promise<IncomingLayer> {
    const known = this.#known.compressed(diffId);
    // Should the blob be gone by the time that it is wanted, then it is made again, the same.
    if (known !== undefined) return { descriptor: describe(known), content: () => gzipped(this.#files.content(path)) };
    const file = join(this.#folder, String(this.#done.size));
    const [raw, compressed] = [createHash("sha256"), createHash("sha256")];
    const read = hashed(this.#files.content(path), raw);
    try {
      await pipeline(
        Readable.from(read, { objectMode: false }),
        newGzip(),
        (chunks) => hashed(chunks as AsyncIterable<Buffer>, compressed),
        createWriteStream(file, { mode: 0o600 }),
        {
          signal: this.#signal,
        },
      );
    } catch (error) {
      this.#signal.throwIfAborted();
      throw toSteppeError(error, "compress a layer of", this.#files.subject);
    }
    const found = `sha256:${raw.digest("hex")}`;
    if (found !== diffId)
      throw invalid(this.#files.subject, `its layer \`${path}\` is ${found}, and not ${diffId} as its config says`);
    const blob = { digest: `sha256:${compressed.digest("hex")}`, size: (await stat(file)).size };
    this.#known.rememberCompressed(diffId, blob);
    return { descriptor: describe(blob), content: () => readFile(file) };
  }
}

async function* readFile(file: string): AsyncGenerator<Buffer, void, void> {
  yield* createReadStream(file) as AsyncIterable<Buffer>;
}

/** The same bytes for the same content: there is no time in it. */
function newGzip(): Gzip {
  return createGzip({ level: LEVEL });
}

async function* gzipped(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  const gzip = newGzip();
  const feeding = pipeline(Readable.from(content, { objectMode: false }), gzip);
  feeding.catch(() => {}); // the iteration throws the same
  yield* gzip as AsyncIterable<Buffer>;
}

async function* hashed(
  content: AsyncIterable<Buffer>,
  hash: { update(bytes: Buffer): unknown },
): AsyncGenerator<Buffer> {
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
}

function describe(blob: BlobName): Descriptor {
  return { mediaType: MEDIA_TYPES.gzipLayer, digest: blob.digest, size: blob.size };
}

async function beginOf(files: ImageFiles, path: string): Promise<Buffer> {
  for await (const chunk of files.content(path)) return chunk;
  return Buffer.alloc(0);
}

/** Whether it is an OCI layout as well, and that one's layers are compressed. */
async function hasCompressedLayout(files: ImageFiles): Promise<boolean> {
  if ((await files.size("index.json")) === undefined || (await files.size("oci-layout")) === undefined) return false;
  await using image = await openLayout({ ...files, [Symbol.asyncDispose]: async () => {} }, {});
  for (const { content } of image.layers) {
    for await (const chunk of content()) {
      if (compressionOf(chunk) === "none") return false;
      break;
    }
  }
  return true;
}

/** https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format */
async function readManifest(files: ImageFiles): Promise<{ configPath: string; layerPaths: string[] }> {
  const text = (await readSmall(files, "manifest.json", MOST_CONFIG_BYTES)).toString("utf8");
  const images = parseList(text);
  if (images === undefined || images.length === 0) throw invalid(files.subject, "its manifest.json names no image");
  if (images.length > 1) throw invalid(files.subject, `it holds ${images.length} images; save one`);
  const [image] = images;
  const { Config: configPath, Layers: layerPaths } = isObject(image) ? image : {};
  const isText = (value: unknown): value is string => typeof value === "string";
  if (isText(configPath) && Array.isArray(layerPaths) && layerPaths.every(isText)) return { configPath, layerPaths };
  throw invalid(files.subject, "its manifest.json names no config or no layers");
}

function parseList(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
