import { stat } from "node:fs/promises";
import { toSteppeError } from "../../shared/errors.ts";
import type { Descriptor } from "../oci-manifest.ts";
import { digestLike } from "../registry/digest.ts";
import {
  chooseManifest,
  describePlatforms,
  formatPlatform,
  type ImageIndex,
  type ImageManifest,
  ManifestError,
  MOST_MANIFEST_BYTES,
  ownPlatform,
  parseRemoteManifest,
  type Platform,
} from "../registry/manifest.ts";
import type { IncomingImage } from "../types.ts";
import { archiveFiles, folderFiles, type ImageFiles, invalid, readSmall } from "./image-files.ts";

export interface ReadLayoutOptions {
  /** What the image is called in the layout (`org.opencontainers.image.ref.name`); not needed if there is one only. */
  name?: string | undefined;
  /** Which image of several; default this machine's. */
  platform?: Platform | undefined;
}

/** What is open until it was taken. */
export type OpenImage = IncomingImage & AsyncDisposable;

export const MOST_CONFIG_BYTES = 8 * 1024 ** 2;
/** An index of indexes is allowed, and written by some. */
const MOST_DEPTH = 3;

/**
 * Opens an image in an OCI image layout: a folder (`oci:` of skopeo and buildah, umoci), or a tar archive of it (`oci-archive:`, buildx).
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 * Throws IMAGE_INVALID, which says what is missing or which images there are.
 */
export async function readOciLayout(path: string, options: ReadLayoutOptions = {}): Promise<OpenImage> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    (error: unknown) => Promise.reject(toSteppeError(error, "read", path)),
  );
  return openLayout(isFolder ? folderFiles(path) : await archiveFiles(path), options);
}

/** Opens an image of a layout whose files are open; they are closed with it, or if this fails. */
export async function openLayout(
  files: ImageFiles,
  { name, platform = ownPlatform() }: ReadLayoutOptions,
): Promise<OpenImage> {
  await using stack = new AsyncDisposableStack();
  stack.use(files);
  const index = parse(files, await readSmall(files, "index.json", MOST_MANIFEST_BYTES), undefined);
  if (index.kind === "image") throw invalid(files.subject, "its index.json is no index");
  const { manifest, parsed } = await findImage(files, index, name, platform);
  const config = await readSmall(files, blobPath(parsed.config), MOST_CONFIG_BYTES);
  const resources = stack.move();
  return {
    manifest,
    mediaType: parsed.mediaType,
    config,
    layers: parsed.layers.map((descriptor) => ({ descriptor, content: () => files.content(blobPath(descriptor)) })),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function findImage(
  files: ImageFiles,
  index: ImageIndex,
  name: string | undefined,
  platform: Platform,
): Promise<{ manifest: Buffer; parsed: ImageManifest }> {
  let chosen = chooseByName(files, index, name, platform);
  for (let depth = 0; depth < MOST_DEPTH; depth++) {
    const manifest = await readSmall(files, blobPath(chosen), MOST_MANIFEST_BYTES);
    if (digestLike(chosen.digest, manifest) !== chosen.digest)
      throw invalid(files.subject, `${chosen.digest} is another blob`);
    const parsed = parse(files, manifest, chosen.mediaType);
    if (parsed.kind === "image") return { manifest, parsed };
    chosen = chooseByPlatform(files, parsed, platform);
  }
  throw invalid(files.subject, "it has indexes of indexes without end");
}

function chooseByName(files: ImageFiles, index: ImageIndex, name: string | undefined, platform: Platform): Descriptor {
  const nameOf = ({ annotations }: Descriptor): string | undefined =>
    annotations?.["org.opencontainers.image.ref.name"];
  const manifests = name === undefined ? index.manifests : index.manifests.filter((item) => nameOf(item) === name);
  const [only, ...others] = manifests;
  if (only !== undefined && others.length === 0) return only;
  if (only !== undefined && new Set(manifests.map(nameOf)).size === 1) {
    return chooseByPlatform(files, { ...index, manifests }, platform);
  }
  const names = index.manifests.map((item) => `\`${nameOf(item) ?? item.digest}\``).join(", ");
  if (names === "") throw invalid(files.subject, "it holds no image");
  throw invalid(
    files.subject,
    name === undefined ? `it holds several: ${names}` : `it has no \`${name}\`, only ${names}`,
  );
}

function chooseByPlatform(files: ImageFiles, index: ImageIndex, platform: Platform): Descriptor {
  const chosen = chooseManifest(index, platform);
  if (chosen !== undefined) return chosen;
  const cause = `it has no image for ${formatPlatform(platform)}, only for ${describePlatforms(index)}`;
  throw invalid(files.subject, cause);
}

function parse(files: ImageFiles, content: Buffer, mediaType: string | undefined): ImageManifest | ImageIndex {
  try {
    return parseRemoteManifest(content, mediaType);
  } catch (error) {
    if (error instanceof ManifestError) throw invalid(files.subject, error.message);
    throw error;
  }
}

function blobPath({ digest }: Pick<Descriptor, "digest">): string {
  return `blobs/${digest.replace(":", "/")}`;
}
