import { hash as digestOf } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeFileAtomic } from "../shared/atomic-file.ts";
import type { Clock } from "../shared/clock.ts";
import { errno, SteppeError, toSteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import type { ContentTables, LayerRow } from "../store/index.ts";
import { decodeImageFile, encodeImageFile, type ImageFile } from "./image-file.ts";
import { digestLayer, type LayerFile, layerContent, verified } from "./layer-content.ts";
import { planLayers } from "./layer-plan.ts";
import { Mutex } from "./mutex.ts";
import { normalTree } from "./normal-tree.ts";
import { makeManifest, parseManifest, sha256Digest } from "./oci-manifest.ts";
import type { PackedFileStore } from "./packed-file-store.ts";
import type { Image, Tree, TreeEntry } from "./types.ts";

/** Part of the key of a layer: what is known of layers is void when the form of the archive changes. */
const LAYER_VERSION = "layer@1";

export interface ImageStoreOptions {
  /** The folder of trees; it exists. */
  folder: string;
  files: PackedFileStore;
  log: Logger;
  clock: Clock;
}

/** A layer that can be made, as often as wanted. */
export interface OciLayer {
  digest: string;
  /** Bytes. */
  size: number;
  /** Makes the archive, as a stream. Throws CONTENT_CORRUPT at its end if it is not what the digest says. */
  content(): AsyncGenerator<Buffer, void, void>;
}

/** All that an OCI registry or layout wants of an image, a blob at a time. */
export interface OciImage {
  digest: string;
  manifest: Buffer;
  config: Buffer;
  configDigest: string;
  layers: OciLayer[];
}

/** The images: of each, its tree, manifest and config are kept; its layers are made from the file store when somebody asks. */
export class ImageStore {
  readonly folder: string;
  readonly files: PackedFileStore;
  /** Held by garbage collection while it runs. */
  readonly collecting = new Mutex();
  readonly #tables: ContentTables;
  readonly #clock: Clock;
  readonly #missing: string[];

  constructor({ folder, files, log, clock }: ImageStoreOptions) {
    this.folder = folder;
    this.files = files;
    this.#tables = files.tables;
    this.#clock = clock;
    this.#missing = this.#reconcile(log);
  }

  /**
   * The image of these files, which are in the file store. The same files make the same image, in whatever order, on whatever
   * machine, whatever was there before.
   * Throws SITE_EMPTY, PATH_NOT_UTF8, PATH_TOO_LONG, FILE_UNSUPPORTED; CONTENT_CORRUPT if a file is not in the store; DISK_FULL.
   */
  async createImage(files: Tree): Promise<Image> {
    using _ = this.files.hold();
    const tree = normalTree(files);
    const layers = planLayers(tree);
    const rows: LayerRow[] = [];
    for (const layerFiles of groupByLayer(tree, layers)) rows.push(await this.#layer(layerFiles));
    const { manifest, config } = makeManifest(rows);
    const digest = sha256Digest(manifest);
    const bytes = tree.reduce((sum, entry) => sum + entry.size, 0);
    if (!this.hasImage(digest)) {
      try {
        writeFileAtomic(this.#path(digest), encodeImageFile({ manifest, config, tree, layers }));
      } catch (error) {
        throw toSteppeError(error, "write", `image ${digest}`);
      }
      this.#tables.addImage({ digest, files: tree.length, bytes, createdAt: this.#clock.now() });
    }
    return { digest, files: tree.length, bytes };
  }

  hasImage(digest: string): boolean {
    return this.#tables.image(digest) !== undefined && existsSync(this.#path(digest));
  }

  imageInfo(digest: string): Image | undefined {
    const row = this.#tables.image(digest);
    return row && { digest: row.digest, files: row.files, bytes: row.bytes };
  }

  /** The files of an image. Throws CONTENT_CORRUPT if it is not there or damaged. */
  async readTree(digest: string): Promise<Tree> {
    return (await this.readImage(digest)).tree;
  }

  /** All that is kept of an image, checked. Throws CONTENT_CORRUPT. */
  async readImage(digest: string): Promise<ImageFile> {
    try {
      return this.#decode(await readFile(this.#path(digest)), digest);
    } catch (error) {
      throw readError(error, digest);
    }
  }

  /** `readImage` for where nothing may come in between. */
  readImageSync(digest: string): ImageFile {
    try {
      return this.#decode(readFileSync(this.#path(digest)), digest);
    } catch (error) {
      throw readError(error, digest);
    }
  }

  /** What a registry is to be given. Throws CONTENT_CORRUPT. */
  async open(digest: string): Promise<OciImage> {
    const { manifest, config, tree, layers } = await this.readImage(digest);
    const groups = groupByLayer(tree, layers);
    return {
      digest,
      manifest,
      config,
      configDigest: sha256Digest(config),
      layers: parseManifest(manifest).layers.map((layer, i) => ({
        digest: layer.digest,
        size: layer.size,
        content: () => this.#content(layer, groups[i] ?? []),
      })),
    };
  }

  /** The files of an image that the store has lost; empty if the image is whole. Throws CONTENT_CORRUPT if its tree is lost. */
  async missingFiles(digest: string): Promise<TreeEntry[]> {
    const tree = await this.readTree(digest);
    const locations = this.files.locateMany(tree.map((entry) => entry.hash));
    return tree.filter((_, i) => locations[i] === undefined);
  }

  /** The images whose tree was gone when the store was opened. */
  missingImages(): readonly string[] {
    return this.#missing;
  }

  /** Takes images off the tables. Their trees go with `removeTrees`, after the transaction. */
  forgetImages(digests: readonly string[]): void {
    for (const digest of digests) this.#tables.removeImage(digest);
  }

  /** Removes trees of images that are not in the tables. Returns the bytes that were freed. */
  removeTrees(digests: readonly string[]): number {
    let bytes = 0;
    for (const digest of digests) {
      if (this.#tables.image(digest) !== undefined) continue; // made again meanwhile
      bytes += statSync(this.#path(digest), { throwIfNoEntry: false })?.size ?? 0;
      rmSync(this.#path(digest), { force: true });
    }
    if (digests.length > 0) syncFolder(this.folder);
    return bytes;
  }

  #decode(bytes: Buffer, digest: string): ImageFile {
    const image = decodeImageFile(bytes, digest);
    if (sha256Digest(image.manifest) === digest) return image;
    throw new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: digest, cause: "this is another image" });
  }

  async #layer(entries: readonly TreeEntry[]): Promise<LayerRow> {
    const listing = listingHash(entries);
    const files = this.#locate(entries);
    const known = this.#tables.layer(listing);
    if (known !== undefined) return known;
    const layer = await digestLayer(files, this.files.packs);
    this.#tables.addLayer(listing, layer);
    return layer;
  }

  async *#content(layer: LayerRow, entries: readonly TreeEntry[]): AsyncGenerator<Buffer, void, void> {
    yield* verified(layerContent(this.#locate(entries), this.files.packs), layer);
  }

  #locate(entries: readonly TreeEntry[]): LayerFile[] {
    const locations = this.files.locateMany(entries.map((entry) => entry.hash));
    return entries.map(({ path, size, hash }, i) => {
      const location = locations[i];
      if (location?.size === size) return { path, location };
      const cause =
        location === undefined
          ? `its content ${hash.toString("hex")} is not in the file store`
          : `it has ${location.size} bytes instead of ${size}`;
      throw new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: path, cause });
    });
  }

  /** Removes trees without a row (a crash came between), and rows without a tree; returns the latter. */
  #reconcile(log: Logger): string[] {
    const rows = new Set(this.#tables.images().map((row) => row.digest));
    const found = new Set<string>();
    for (const name of readdirSync(this.folder)) {
      const digest = name.endsWith(".tree") ? `sha256:${name.slice(0, -".tree".length)}` : undefined;
      if (digest !== undefined && rows.has(digest)) found.add(digest);
      else if (digest !== undefined || name.endsWith(".tmp")) rmSync(join(this.folder, name));
    }
    const missing = [...rows].filter((digest) => !found.has(digest));
    for (const digest of missing) log.error({ image: digest }, "the tree of an image is gone; deploy its tag again");
    this.forgetImages(missing);
    return missing;
  }

  #path(digest: string): string {
    const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
    if (hex !== undefined) return join(this.folder, `${hex}.tree`);
    throw new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: digest, cause: "this is no image digest" });
  }
}

/** Opens the images, having removed what a crash left half-made. */
export function openImageStore(options: ImageStoreOptions): ImageStore {
  return new ImageStore(options);
}

function groupByLayer(tree: Tree, layers: Uint8Array): TreeEntry[][] {
  const groups: TreeEntry[][] = [];
  tree.forEach((entry, i) => {
    const group = (groups[layers[i] ?? 0] ??= []);
    group.push(entry);
  });
  return groups;
}

/** Names what a layer holds. Paths have no zeros and hashes have one length, so no two listings look alike. */
function listingHash(entries: readonly TreeEntry[]): Buffer {
  const paths = Buffer.from(`${LAYER_VERSION}\0${entries.map((entry) => entry.path).join("\0")}\0\0`);
  return digestOf("sha256", Buffer.concat([paths, ...entries.map((entry) => entry.hash)]), "buffer");
}

function readError(error: unknown, digest: string): unknown {
  if (errno(error) !== "ENOENT") return error;
  const parts = { operation: "read", subject: digest, cause: "the image is not here" };
  return new SteppeError("CONTENT_CORRUPT", parts, { cause: error });
}
