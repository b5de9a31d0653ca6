import { SteppeError } from "../../shared/errors.ts";
import { writeWhole } from "../../shared/write-whole.ts";
import { layoutArchive } from "../layout-archive.ts";
import type { Platform } from "../registry/manifest.ts";
import type { Pushed } from "../registry/image-push.ts";
import { formatReference, type ImageReference } from "../registry/reference.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import type { Tree } from "../types.ts";
import type { Base } from "./base-image.ts";
import { archiveFiles, layoutOf } from "./built-layout.ts";
import { ByteSpool } from "./byte-spool.ts";
import { type AddedLayer, type BuiltImage, type ImageFacts, makeImages, siteRoot } from "./image-documents.ts";
import type { LayerCache } from "./layer-cache.ts";
import type { Compression } from "./pack-layer.ts";
import { SiteContent } from "./site-content.ts";
import { type SiteLayer, siteLayers } from "./site-layers.ts";
import { SitePush } from "./site-push.ts";
import { writeLayout } from "./write-layout.ts";

/** Where an image is written to on disk. */
export type ImageOutput = { kind: "layout"; folder: string } | { kind: "archive"; file: string };

export interface BuildImageRequest {
  /** Brings the site's files in, and says which they are. */
  readSite(content: SiteContent): Promise<Tree>;
  base: Promise<Base>;
  /** What is said of the image, once it is known. */
  facts: Promise<ImageFacts>;
  /** What it is called; pushed without a tag, it is there by its digest. */
  reference: ImageReference;
  /** Pushes it with this client. */
  client: RegistryClient | null;
  output: ImageOutput | null;
  compression: Compression;
  /** Whether compressed forms of files become layers, too: the smallest, or those that are made quickly. */
  precompress: boolean | "quickly";
  cache: LayerCache;
  /** Told of each blob that is in the registry. */
  onBlob?: (digest: string, size: number, outcome: "there" | "mounted" | "uploaded") => void;
  signal: AbortSignal;
}

/** What came of it. */
export interface ImageBuild {
  digest: string;
  platforms: Platform[];
  files: number;
  /** Bytes of the site's files. */
  bytes: number;
  /** Layers of the site, and how many of them had to be made. */
  layers: { site: number; made: number };
  /** Null if it was not pushed. */
  pushed: Pushed | null;
}

/**
 * Makes an image of a site, without any server or daemon: the base, and on it the site's files in layers that stay the same as long as their files do.
 * The same files on the same base make the same image. What is pushed goes out while other layers are still being compressed; the manifest comes last.
 *
 * Throws what reading the site and the base throw, what registries throw, DISK_FULL, IMAGE_INVALID; the signal's reason. Nothing is left behind
 * then but blobs in the registry that no manifest names.
 */
export async function buildImage(request: BuildImageRequest): Promise<ImageBuild> {
  const { client, reference, output, cache, facts, onBlob } = request;
  const failed = new AbortController();
  const signal = AbortSignal.any([request.signal, failed.signal]);
  facts.catch(() => {}); // awaited below, unless something else fails before
  await using spool = new ByteSpool();
  const content = new SiteContent(spool);
  const asked = blobsThere(client, reference, cache, signal);
  asked.catch(() => {}); // awaited below, when layers are on their way already
  const [tree, base] = await Promise.all([request.readSite(content), request.base]);
  const { compression, precompress } = request;
  const layers = siteLayers(tree, { root: siteRoot(base), compression, precompress, content, spool, cache, signal });
  const built = makeBuilt(base, layers, facts);
  built.catch(() => {}); // awaited below, unless the push fails before
  let push: SitePush | null = null;
  try {
    const there = await asked;
    if (client !== null) push = new SitePush(client, { reference, base, layers, built, there, signal, onBlob });
    if (output !== null) await writeOutput(output, await built, reference, signal);
    const pushed = push === null ? null : await push.finished();
    const { digest, images } = await built;
    if (pushed !== null) cache.setPushed(nameOf(reference), digest);
    return {
      digest,
      platforms: images.map(({ platform }) => platform),
      files: tree.length,
      bytes: tree.reduce((sum, { size }) => sum + size, 0),
      layers: { site: layers.length, made: layers.filter(({ isMade }) => isMade).length },
      pushed,
    };
  } catch (error) {
    failed.abort(error);
    throw error;
  } finally {
    // Nothing is read of the spool any more when it goes.
    await Promise.allSettled([push?.ended(), ...layers.map((layer) => layer.describe())]);
  }
}

/**
 * What a repository has for certain: all that an image names that is there. One question, or one more for each platform, in place of one for each
 * blob. Nothing if the image is not there any more, or cannot be had: then each blob is asked for.
 */
async function blobsThere(
  client: RegistryClient | null,
  reference: ImageReference,
  cache: LayerCache,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const digest = client === null ? undefined : cache.lastPushed(nameOf(reference));
  if (client === null || digest === undefined) return new Set();
  const { registry, repository } = reference;
  const read = async (wanted: string): Promise<string[]> => {
    const { parsed } = await client.manifest({ registry, repository, digest: wanted }, { signal });
    if (parsed.kind === "image") return [parsed.config, ...parsed.layers].map((blob) => blob.digest);
    return (await Promise.all(parsed.manifests.map((one) => read(one.digest)))).flat();
  };
  try {
    return new Set(await read(digest));
  } catch (error) {
    if (error instanceof SteppeError) return new Set();
    throw error;
  }
}

function nameOf({ registry, repository }: ImageReference): string {
  return formatReference({ registry, repository });
}

async function makeBuilt(base: Base, layers: readonly SiteLayer[], facts: Promise<ImageFacts>): Promise<BuiltImage> {
  const added = await Promise.all(
    layers.map(async (site): Promise<AddedLayer[]> => {
      const [layer, packed] = await Promise.all([site.blob(), site.describe()]);
      return layer === null || packed === null ? [] : [{ layer, diffId: packed.diffId }];
    }),
  );
  return makeImages(base, added.flat(), await facts);
}

async function writeOutput(
  output: ImageOutput,
  built: BuiltImage,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<void> {
  if (output.kind === "archive") {
    await writeWhole(output.file, untilAborted(layoutArchive(archiveFiles(built, reference)).content(), signal), 0o666);
    return;
  }
  const { blobs, entry } = layoutOf(built, reference);
  const stoppable = blobs.map((blob) => ({ ...blob, content: () => untilAborted(blob.content(), signal) }));
  await writeLayout(output.folder, stoppable, entry);
}

async function* untilAborted(chunks: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}
