import type { ImageDetails, ImagePushed, ImageUse, ImageView } from "../api/types.ts";
import { takeImage } from "../builds/index.ts";
import type { Deployer } from "../deployer/index.ts";
import {
  exportImage,
  type ExportOptions,
  formatPlatform,
  formatReference,
  type ImageArchive,
  type ImageStore,
  isDigest,
  openRegistryClient,
  parseImageConfig,
  parseReference,
  pullImage,
  type RegistryAccess,
  type RegistryClient,
  sha256Digest,
  siteFolderOf,
} from "../images/index.ts";
import { SteppeError } from "../shared/errors.ts";
import type { ContentTables } from "../store/index.ts";

interface Dependencies {
  images: ImageStore;
  tables: Pick<ContentTables, "images">;
  deployer: Pick<Deployer, "apps" | "releases">;
  registries: RegistryAccess;
  /** Whether images are run elsewhere, and had from registries. */
  isCluster: boolean;
}

interface Work {
  /** Says what is going on, for the person who waits. */
  progress(message: string): void;
  signal: AbortSignal;
}

/** The images that are kept here, and those of registries, for people who look after them. */
export class Images {
  readonly #dependencies: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  /** All that are kept, the newest first. */
  list(): ImageView[] {
    const uses = this.#uses();
    const rows = this.#dependencies.tables.images().toSorted((a, b) => b.createdAt - a.createdAt);
    return rows.map(({ digest, kind, files, bytes, createdAt }) => {
      return { digest, kind: kindOf(kind), files, bytes, createdAt, uses: uses.get(digest) ?? [] };
    });
  }

  /**
   * What an image is: one that is kept, by its digest, or one of a registry. Throws IMAGE_NOT_FOUND, REFERENCE_INVALID, CONTENT_CORRUPT, and what
   * registries throw.
   */
  async inspect(wanted: string, signal: AbortSignal): Promise<ImageDetails> {
    const remote = isDigest(wanted) ? this.#placeOf(wanted) : wanted;
    if (remote === undefined) return await this.#inspectKept(wanted);
    using client = await openRegistryClient(this.#dependencies.registries);
    return await this.#inspectRemote(client, remote, signal);
  }

  /**
   * Fetches an image of a registry, to keep it until the next garbage collection, or as long as a release uses it. Throws what registries and
   * `takeImage` throw.
   */
  async pull(text: string, { progress, signal }: Work): Promise<ImageView> {
    const { images, registries } = this.#dependencies;
    const label = formatReference(parseReference(text));
    using client = await openRegistryClient(registries);
    const incoming = await pullImage(client, parseReference(text), { signal });
    const { digest } = await takeImage(incoming, {
      images,
      site: null,
      label,
      progress,
      signal,
    });
    const view = this.list().find((image) => image.digest === digest);
    if (view !== undefined) return view;
    throw notKept("pull", digest);
  }

  /** Sends an image that is kept to a registry, and gives it the reference's tag. Throws IMAGE_NOT_FOUND and what registries throw. */
  async push(digest: string, text: string, { progress, signal }: Work): Promise<ImagePushed> {
    const { images, registries } = this.#dependencies;
    const reference = parseReference(text);
    if (images.imageInfo(digest) === undefined) throw notKept("push", digest, this.#placeOf(digest));
    using _ = images.files.hold();
    const image = await images.open(digest);
    using client = await openRegistryClient(registries);
    let there = 0;
    const onBlob = (): void => progress(`${++there} of ${image.layers.length + 1} parts are there`);
    const { blobs, bytes } = await client.push(reference, image, { signal, onBlob });
    return { digest, reference: formatReference(reference), blobs, bytes };
  }

  /** As `exportImage`. Throws IMAGE_NOT_FOUND, CONTENT_CORRUPT. */
  async export(digest: string, options: ExportOptions): Promise<ImageArchive> {
    const place = this.#placeOf(digest);
    if (place !== undefined) throw notKept("export", digest, place);
    return await exportImage(this.#dependencies.images, digest, options);
  }

  /** Where in a registry an image is that is not kept here, and that a release on the cluster has; else undefined. */
  #placeOf(digest: string): string | undefined {
    const { images, deployer, isCluster } = this.#dependencies;
    if (!isCluster || images.imageInfo(digest) !== undefined) return undefined;
    const releases = deployer.apps().flatMap((app) => deployer.releases(app.definition.name));
    const repository = releases.find(({ image }) => image === digest)?.definition.image?.repository;
    return repository === undefined ? undefined : `${repository}@${digest}`;
  }

  /** By digest, the releases that need an image. */
  #uses(): Map<string, ImageUse[]> {
    const { deployer } = this.#dependencies;
    const uses = new Map<string, ImageUse[]>();
    for (const { definition } of deployer.apps()) {
      for (const { app, number, live, image, ref, reference } of deployer.releases(definition.name)) {
        const use = { app, release: number, live, source: reference ?? ref };
        uses.set(image, [...(uses.get(image) ?? []), use]);
      }
    }
    return uses;
  }

  async #inspectKept(digest: string): Promise<ImageDetails> {
    const { images } = this.#dependencies;
    const info = images.imageInfo(digest);
    if (info === undefined) throw notKept("inspect", digest);
    const { mediaType, manifest, config, layers } = await images.open(digest);
    return {
      digest,
      reference: null,
      kept: info.kind,
      mediaType,
      platforms: [platformOf(config)],
      manifest: parsed(manifest),
      config: parsed(config),
      layers: layers.map(({ digest: layer, size, mediaType: type }) => ({ digest: layer, size, mediaType: type })),
      served: info.kind === "program" ? this.#servedOf(config) : { by: "site", why: "its files are kept as a site" },
    };
  }

  /** Whether an image runs here, and why. */
  #servedOf(config: Buffer): ImageDetails["served"] {
    const parsedConfig = parseImageConfig(config);
    if (this.#dependencies.isCluster) {
      if (parsedConfig.isData) return { by: null, why: "it holds files and no program" };
      return { by: "cluster", why: "the nodes of the cluster run it" };
    }
    const folder = siteFolderOf(parsedConfig, null);
    if (folder !== null) return { by: "site", why: `its site is ${folder}` };
    const why =
      "it is a program and no site: the driver `docker`, which would run it, is missing here. If it serves a folder, `image.site` of an app declares that";
    return { by: null, why };
  }

  async #inspectRemote(client: RegistryClient, text: string, signal: AbortSignal): Promise<ImageDetails> {
    const reference = parseReference(text);
    const top = await client.manifest(reference, { signal });
    const isIndex = top.parsed.kind === "index";
    const pinned = { ...reference, digest: top.digest };
    const found = await unlessMissing(pullImage(client, pinned, { signal }), isIndex);
    const platforms =
      top.parsed.kind === "index"
        ? top.parsed.manifests.flatMap(({ platform }) => (platform === undefined ? [] : [formatPlatform(platform)]))
        : [];
    const digest = found === undefined ? top.digest : sha256Digest(found.manifest);
    return {
      digest: top.digest,
      reference: formatReference(reference),
      kept: this.#dependencies.images.imageInfo(digest)?.kind ?? null,
      mediaType: top.parsed.mediaType,
      platforms: isIndex || found === undefined ? platforms : [platformOf(found.config)],
      manifest: parsed(top.content),
      config: found === undefined ? null : parsed(found.config),
      layers: (found?.layers ?? []).map(({ descriptor }) => {
        return { digest: descriptor.digest, size: descriptor.size, mediaType: descriptor.mediaType };
      }),
      served:
        found === undefined ? { by: null, why: "it has no image for this machine" } : this.#servedOf(found.config),
    };
  }
}

function platformOf(config: Buffer): string {
  const { os, architecture, variant } = parsed(config);
  return [os, architecture, variant].filter((part) => typeof part === "string" && part !== "").join("/");
}

function parsed(document: Buffer): Record<string, unknown> {
  return JSON.parse(document.toString("utf8")) as Record<string, unknown>;
}

function kindOf(kind: string): ImageView["kind"] {
  return kind === "site" || kind === "program" ? kind : "data";
}

/** An index need not have an image for this machine. */
async function unlessMissing<Result>(work: Promise<Result>, isIndex: boolean): Promise<Result | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isIndex && error instanceof SteppeError && error.code === "IMAGE_NOT_FOUND") return undefined;
    throw error;
  }
}

/** @param place where else it is */
function notKept(operation: string, digest: string, place?: string): SteppeError {
  return new SteppeError("IMAGE_NOT_FOUND", {
    operation,
    subject: digest,
    cause: place === undefined ? "this image is not kept here" : `it is not kept here, but in its registry: ${place}`,
    hint:
      place === undefined
        ? "`steppe image ls` lists those that are; `steppe image pull REFERENCE` fetches one."
        : `A program such as skopeo copies it from there: \`skopeo copy --all docker://${place} …\`.`,
  });
}
