import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder, writeFileAtomic } from "../shared/atomic-file.ts";
import type { Clock } from "../shared/clock.ts";
import { errno, SteppeError, toSteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { SerialQueue } from "../shared/serial-queue.ts";
import type { ContentTables } from "../store/index.ts";
import { DataLayers } from "./data-layers.ts";
import { decodeImageFile, encodeImageFile, type ImageFile } from "./image-file.ts";
import { planLayers } from "./layer-plan.ts";
import { normalTree } from "./normal-tree.ts";
import { makeManifest, MEDIA_TYPES, parseManifest, sha256Digest } from "./oci-manifest.ts";
import type { PackedFileStore } from "./packed-file-store.ts";
import { blobBytes, TakenImages } from "./taken-images.ts";
import type { Image, ImageInfo, ImageKind, IncomingImage, OciImage, Tree } from "./types.ts";

export interface ImageStoreOptions {
  /** The folder of trees; it exists. */
  folder: string;
  /** The folder of the layout with blobs of images that were made elsewhere; it exists. */
  layout: string;
  files: PackedFileStore;
  log: Logger;
  clock: Clock;
}

/** A site that is part of an image that was made elsewhere. */
export interface ImageSite {
  /** The folder of the image: `/www`. */
  folder: string;
  /** Its files, which are in the file store. */
  tree: Tree;
}

/**
 * The images: of each, its tree, manifest and config are kept. The layers of a data image are made from the file store when somebody asks; of
 * images that were made elsewhere all blobs are kept.
 */
export class ImageStore {
  readonly folder: string;
  readonly files: PackedFileStore;
  /** The blobs of images that were made elsewhere. */
  readonly taken: TakenImages;
  readonly #tables: ContentTables;
  readonly #dataLayers: DataLayers;
  readonly #clock: Clock;
  readonly #removal = new SerialQueue();
  /** Images that were damaged when last looked at: their tree or one of their files is lost. */
  readonly #damaged: Set<string>;
  /** What `createImage` gave since the collection under way began. */
  #made: Set<string> | undefined;

  constructor({ folder, layout, files, log, clock }: ImageStoreOptions) {
    this.folder = folder;
    this.files = files;
    this.#tables = files.tables;
    this.#dataLayers = new DataLayers(files);
    this.taken = new TakenImages(layout, files.tables.store);
    this.#clock = clock;
    this.#damaged = this.#reconcile(log);
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
    const { manifest, config } = makeManifest(await this.#dataLayers.describe(tree, layers));
    const digest = sha256Digest(manifest);
    const bytes = tree.reduce((sum, entry) => sum + entry.size, 0);
    this.#made?.add(digest);
    this.#damaged.delete(digest);
    if (!this.hasTree(digest)) {
      try {
        writeFileAtomic(this.#path(digest), encodeImageFile({ manifest, config, tree, layers }));
      } catch (error) {
        throw toSteppeError(error, "write", `image ${digest}`);
      }
      const createdAt = this.#clock.now();
      this.#tables.addImage({ digest, files: tree.length, bytes, createdAt, kind: "data", site: null });
    }
    return { digest, files: tree.length, bytes };
  }

  /**
   * Keeps an image that was made elsewhere, whose blobs `taken.receive` has brought. Hold content from before that until this has ended.
   *
   * @param site its files, if it is a site
   * Throws IMAGE_INVALID if it is kept already with another folder as its site; PATH_NOT_UTF8, PATH_TOO_LONG, FILE_UNSUPPORTED, DISK_FULL.
   */
  keep(incoming: IncomingImage, site: ImageSite | null): ImageInfo {
    const { manifest, config } = incoming;
    const digest = sha256Digest(manifest);
    const known = this.imageInfo(digest);
    this.#made?.add(digest);
    this.#damaged.delete(digest);
    if (known !== undefined && !this.#becomesSite(known, site) && !this.#isDamaged(digest)) return known;
    const tree = site === null ? [] : normalTree(site.tree);
    const layers = new Uint8Array(tree.length);
    try {
      writeFileAtomic(this.#path(digest), encodeImageFile({ manifest, config, tree, layers }));
    } catch (error) {
      throw toSteppeError(error, "write", `image ${digest}`);
    }
    const { store } = this.#tables;
    const bytes = site === null ? blobBytes(incoming) : tree.reduce((sum, entry) => sum + entry.size, 0);
    const kind: ImageKind = site === null ? "program" : "site";
    store.transaction(() => {
      const row = { digest, files: tree.length, bytes, createdAt: this.#clock.now(), kind };
      this.#tables.addImage({ ...row, site: site?.folder ?? null });
      this.taken.name(digest, incoming);
    });
    this.taken.publish();
    return { digest, files: tree.length, bytes, kind };
  }

  /** Whether the image is there, and nothing of it is known to be lost. */
  hasImage(digest: string): boolean {
    if (!this.hasTree(digest)) return false;
    if (this.#damaged.has(digest) && !this.#isDamaged(digest)) this.#damaged.delete(digest);
    return !this.#damaged.has(digest);
  }

  /** Whether it is known what the image holds, even if some of that is lost. */
  hasTree(digest: string): boolean {
    return this.#tables.image(digest) !== undefined && existsSync(this.#path(digest));
  }

  imageInfo(digest: string): ImageInfo | undefined {
    const row = this.#tables.image(digest);
    return row && { digest: row.digest, files: row.files, bytes: row.bytes, kind: row.kind as ImageKind };
  }

  /**
   * An image that is here with nothing missing, so that it need not come again; a collection under way keeps it.
   *
   * @param site the folder of it that is to be the site, or null
   */
  find(digest: string, site: string | null): ImageInfo | undefined {
    const row = this.#tables.image(digest);
    if (row === undefined || !this.hasImage(digest) || this.taken.lost(digest).length > 0) return undefined;
    if (row.kind !== "data" && site !== null && row.site !== site) return undefined;
    this.#made?.add(digest);
    return this.imageInfo(digest);
  }

  /** The files of an image. Throws CONTENT_CORRUPT if it is not there or damaged; DRIVER_MISSING if it is a program. */
  async readTree(digest: string): Promise<Tree> {
    const { tree } = await this.readImage(digest);
    if (tree.length > 0) return tree;
    const cause =
      "it is a program, which wants the driver `docker`, and this engine has only `site`; the image is kept, and pushed if the app says where";
    throw new SteppeError("DRIVER_MISSING", { operation: "serve", subject: `image ${digest}`, cause });
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
    if (this.imageInfo(digest)?.kind !== "data") return this.taken.open(digest, { manifest, config });
    return {
      digest,
      mediaType: MEDIA_TYPES.manifest,
      manifest,
      config,
      configDigest: sha256Digest(config),
      layers: this.#dataLayers.open(tree, layers, parseManifest(manifest).layers),
    };
  }

  /** The images that are damaged: something of them was found lost when the store was opened, and was not stored again since. */
  damagedImages(): string[] {
    return [...this.#damaged].filter((digest) => !this.hasImage(digest));
  }

  /** Runs `work` while nothing is removed from packs or images; a collection waits, and one under way is waited for. */
  withoutRemoval<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#removal.run(work);
  }

  /** For `collectGarbage`: alone, with a set of the images that are made meanwhile. */
  collecting<Result>(work: (made: ReadonlySet<string>) => Promise<Result>): Promise<Result> {
    return this.#removal.run(async () => {
      const made = (this.#made = new Set<string>());
      try {
        return await work(made);
      } finally {
        this.#made = undefined;
      }
    });
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

  /** Whether what is kept as no site is one now. */
  #becomesSite({ digest, kind }: ImageInfo, site: ImageSite | null): boolean {
    const folder = this.#tables.image(digest)?.site ?? null;
    if (site === null || kind === "data" || folder === site.folder) return false;
    if (kind === "program") return true;
    const cause = `it is kept with its folder \`${folder}\` as the site, so \`${site.folder}\` cannot be it`;
    const hint = `Say \`${folder}\` as well; or build the image anew, with a label that tells them apart.`;
    throw new SteppeError("IMAGE_INVALID", { operation: "keep", subject: `image ${digest}`, cause, hint });
  }

  #decode(bytes: Buffer, digest: string): ImageFile {
    const image = decodeImageFile(bytes, digest);
    if (sha256Digest(image.manifest) === digest) return image;
    throw new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: digest, cause: "this is another image" });
  }

  /** Removes trees without a row (a crash came between); finds images that lost their tree, or a file. */
  #reconcile(log: Logger): Set<string> {
    const rows = this.#tables.images().map((row) => row.digest);
    const known = new Set(rows.map((digest) => this.#path(digest)));
    for (const name of readdirSync(this.folder)) {
      const path = join(this.folder, name);
      if (!known.has(path) && /\.(tree|tmp)$/.test(name)) rmSync(path);
    }
    const lost = this.#tables.lostFiles().length > 0;
    const incomplete = this.taken.incomplete();
    for (const digest of incomplete)
      log.error({ image: digest }, "a blob of an image was lost; it cannot be given away until it comes again");
    const isDamaged = (digest: string): boolean =>
      !existsSync(this.#path(digest)) || ((lost || incomplete.has(digest)) && this.#isDamaged(digest));
    const damaged = rows.filter(isDamaged);
    for (const digest of damaged) log.error({ image: digest }, "part of an image was lost; deploy its tag again");
    return new Set(damaged);
  }

  #isDamaged(digest: string): boolean {
    try {
      const { tree } = this.readImageSync(digest);
      // What is served of a site lies in the file store: blobs are what others are given.
      if (tree.length === 0) return this.taken.lost(digest).length > 0;
      return this.files.locateMany(tree.map((entry) => entry.hash)).includes(undefined);
    } catch (error) {
      if (error instanceof SteppeError && error.code === "CONTENT_CORRUPT") return true;
      throw error;
    }
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

function readError(error: unknown, digest: string): unknown {
  if (errno(error) !== "ENOENT") return error;
  const parts = { operation: "read", subject: digest, cause: "the image is not here" };
  return new SteppeError("CONTENT_CORRUPT", parts, { cause: error });
}
