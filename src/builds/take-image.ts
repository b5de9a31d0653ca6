import {
  type ImageConfig,
  type ImageInfo,
  type ImageStore,
  type IncomingImage,
  parseImageConfig,
  sha256Digest,
  siteFolderOf,
} from "../images/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { imageTree } from "./image-tree.ts";
import { importTree } from "./import-tree.ts";

export interface TakeOptions {
  images: ImageStore;
  /** The folder of the image that the app declares to be the site; null: the mark of steppe/static decides. */
  site: string | null;
  /** What to call it in messages: `blog@v2`. */
  label: string;
  /** Says what is going on, for the person who waits. */
  progress(message: string): void;
  signal: AbortSignal;
}

/**
 * Takes an image in that was made elsewhere: all of its blobs, of which only those are asked for that are not here, and, if it is a site, its files.
 * What is here already is not looked at again. Hold content until the image is named by something that garbage collection is told to keep.
 *
 * Throws IMAGE_INVALID, DISK_FULL; of a site what `importTree` throws: FOLDER_MISSING, SITE_EMPTY, …; what the layers' contents throw; the
 * signal's reason. What came until then is collected later, and not asked for again if the image comes before that.
 */
export async function takeImage(incoming: IncomingImage, options: TakeOptions): Promise<ImageInfo> {
  const { images, signal, progress, label } = options;
  using _ = images.files.hold();
  const config = configOf(incoming, label);
  const folder = siteFolderOf(config, options.site);
  if (folder === null) {
    progress("it is a program, not a site: it is kept");
    return await takeProgram(incoming, options);
  }
  const known = images.find(sha256Digest(incoming.manifest), folder);
  if (known !== undefined) return known;
  await images.taken.receive(incoming, { signal, progress });
  const layers = incoming.layers.map(({ descriptor }, i) => ({
    diffId: config.diffIds[i] ?? "",
    content: () => images.taken.blobs.content(descriptor),
  }));
  const tree = await importTree({
    tree: imageTree(layers, label, signal),
    folder,
    isRoot: false,
    files: images.files,
    progress,
    signal,
  });
  return images.keep(incoming, { folder, tree });
}

/** As `takeImage`, whatever the image is: none of its files are looked at. */
export async function takeProgram(
  incoming: IncomingImage,
  { images, signal, progress, label }: Omit<TakeOptions, "site">,
): Promise<ImageInfo> {
  using _ = images.files.hold();
  configOf(incoming, label);
  const known = images.find(sha256Digest(incoming.manifest), null);
  if (known !== undefined) return known;
  await images.taken.receive(incoming, { signal, progress });
  return images.keep(incoming, null);
}

/** Throws IMAGE_INVALID if the image does not agree with itself. */
function configOf(incoming: IncomingImage, label: string): ImageConfig {
  const config = parseImageConfig(incoming.config);
  if (config.diffIds.length === incoming.layers.length) return config;
  const cause = `it has ${incoming.layers.length} layers, and its config names ${config.diffIds.length}`;
  throw new SteppeError("IMAGE_INVALID", { operation: "take", subject: label, cause });
}
