import { hash as digestOf } from "node:crypto";
import { availableParallelism } from "node:os";
import { SteppeError } from "../../shared/errors.ts";
import { Semaphore } from "../../shared/semaphore.ts";
import { planLayers } from "../layer-plan.ts";
import type { OciLayer, Tree, TreeEntry } from "../types.ts";
import type { ByteSpool, Kept } from "./byte-spool.ts";
import { compressedForms, formsKey } from "./compressed-forms.ts";
import type { LayerCache } from "./layer-cache.ts";
import { type Compression, layerMediaType, LEVELS, type LayerFile, type PackedLayer, packLayer } from "./pack-layer.ts";
import type { SiteContent } from "./site-content.ts";

/**
 * Finer than the layers of data images, which are made on demand and pulled seldom. A push pays for whole layers: of 10 MB in 32 layers a changed file
 * sends 0.3 MB before compression, and ten that lie anywhere 3 MB at most. More than 32 would make a first push slower, by three requests a layer,
 * and with compressed forms go over the 127 layers that Docker takes.
 *
 * Folders are spread sooner, so that layers are more of one size: of 10 MB in 20 equal folders, ten changed files touch 2.9 MB of layers in place of 4.7. By one and a half averages and
 * not by one or two, since those are what each of 32 or 16 equal folders has: it would come and go with every change.
 */
const PUSH_LAYERS = { bytes: 512 * 1024, files: 512, most: 32, spread: 1.5 };
/** Part of the key of a layer: what is remembered is void when the form of the archive changes. */
const LAYER_VERSION = "site-layer@1";

export interface SiteLayersOptions {
  /** Where the site lies in the image, without a slash before it: `www`. */
  root: string;
  compression: Compression;
  /** Whether compressed forms of files become layers, too. */
  precompress: boolean | "quickly";
  content: SiteContent;
  spool: ByteSpool;
  cache: LayerCache;
  signal: AbortSignal;
}

/** What a layer is to hold. */
interface LayerSource {
  key: string;
  files(): AsyncIterable<LayerFile>;
}

/** A layer of a site, which is made when its content is wanted, or its digest and that is not known. */
export class SiteLayer {
  readonly #source: LayerSource;
  readonly #options: SiteLayersOptions;
  readonly #places: Semaphore;
  #described: Promise<PackedLayer | null> | undefined;
  #made: Promise<(PackedLayer & { kept: Kept }) | null> | undefined;

  constructor(source: LayerSource, options: SiteLayersOptions, places: Semaphore) {
    this.#source = source;
    this.#options = options;
    this.#places = places;
  }

  /** Whether the layer had to be made. */
  get isMade(): boolean {
    return this.#made !== undefined;
  }

  /** Its digests; null if it holds nothing. */
  describe(): Promise<PackedLayer | null> {
    return (this.#described ??= this.#describe());
  }

  /** As registries and layouts want it; null if it holds nothing. */
  async blob(): Promise<OciLayer | null> {
    const layer = await this.describe();
    if (layer === null) return null;
    const { digest, size } = layer;
    const mediaType = layerMediaType(this.#options.compression);
    return { mediaType, digest, size, content: () => this.#content(layer) };
  }

  async #describe(): Promise<PackedLayer | null> {
    const { cache } = this.#options;
    const known = cache.get(this.#source.key);
    if (known !== undefined) return known;
    const made = await this.#make();
    const layer = made && { digest: made.digest, size: made.size, diffId: made.diffId };
    cache.set(this.#source.key, layer);
    return layer;
  }

  async *#content(expected: PackedLayer): AsyncGenerator<Buffer, void, void> {
    const made = await this.#make();
    if (made?.digest !== expected.digest) {
      this.#options.cache.forget(this.#source.key);
      const cause = `it was remembered as ${expected.digest}, and came out as ${made?.digest ?? "nothing"}`;
      const hint = "Build it again: this was forgotten now.";
      throw new SteppeError("CONTENT_CORRUPT", { operation: "make", subject: "a layer of the image", cause, hint });
    }
    yield* this.#options.spool.read(made.kept);
  }

  #make(): Promise<(PackedLayer & { kept: Kept }) | null> {
    return (this.#made ??= this.#pack());
  }

  async #pack(): Promise<(PackedLayer & { kept: Kept }) | null> {
    const { root, compression, spool, signal } = this.#options;
    using _ = await this.#places.acquire(signal);
    const files = this.#source.files()[Symbol.asyncIterator]();
    const first = await files.next();
    if (first.done === true) return null;
    const all = async function* (): AsyncGenerator<LayerFile, void, void> {
      for (let next: IteratorResult<LayerFile> = first; next.done !== true; next = await files.next()) {
        signal.throwIfAborted();
        yield next.value;
      }
    };
    return await packLayer(all(), { root, compression, spool });
  }
}

/** The layers of a site, the files' own first. A pure function of the tree and the options. */
export function siteLayers(tree: Tree, options: SiteLayersOptions): SiteLayer[] {
  const groups: TreeEntry[][] = [];
  const numbers = planLayers(tree, PUSH_LAYERS);
  tree.forEach((entry, i) => (groups[numbers[i] ?? 0] ??= []).push(entry));
  const places = new Semaphore(availableParallelism());
  const sources = groups.map((entries) => ownFiles(entries, options));
  if (options.precompress !== false) {
    const forms = compressedForms(tree, options.content, options.precompress === "quickly");
    for (const entries of groups) {
      const key = keyOf(options, formsKey(forms, entries), entries);
      sources.push({ key, files: () => forms.of(entries) });
    }
  }
  return sources.map((source) => new SiteLayer(source, options, places));
}

function ownFiles(entries: readonly TreeEntry[], options: SiteLayersOptions): LayerSource {
  return {
    key: keyOf(options, "files", entries),
    async *files() {
      for (const { path, hash, size } of entries) yield { path, size, content: await options.content.read(hash) };
    },
  };
}

/**
 * Names what a layer holds, and all that its bytes depend on besides. Paths have no zeros and hashes have one length, so no two listings look alike.
 */
function keyOf({ root, compression }: SiteLayersOptions, what: string, entries: readonly TreeEntry[]): string {
  const { zlib, zstd, brotli } = process.versions;
  const level = compression === "none" ? 0 : LEVELS[compression];
  const how = [LAYER_VERSION, zlib, zstd, brotli, compression, level, root, what].join("\0");
  const paths = Buffer.from(`${how}\0\0${entries.map((entry) => entry.path).join("\0")}\0\0`);
  return digestOf("sha256", Buffer.concat([paths, ...entries.map((entry) => entry.hash)]), "base64url");
}
