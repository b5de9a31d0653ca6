import { takeProgram } from "../builds/index.ts";
import type { BuildRequest, ContentPort, PullRequest, PushRequest } from "../deployer/index.ts";
import {
  collectGarbage,
  formatPlatform,
  type Image,
  type ImageReference,
  openRegistryClient,
  parseImageConfig,
  parseReference,
  pullImage,
  type RegistryClient,
  type Tree,
} from "../images/index.ts";
import type { LayerCache, PushSiteRequest } from "../images/writer/index.ts";
import type { AppDefinition } from "../config/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { buildFor, buildRecords, type ContentDependencies, pushKept } from "./content-port.ts";
import { siteArguments } from "./site-arguments.ts";
import type { SiteBase } from "./site-base.ts";

interface Dependencies extends ContentDependencies {
  /** What sites are put on. */
  siteBase: SiteBase;
  /** Where the layers of sites are remembered. */
  layerFile: string;
}

/**
 * Builds and images as the deployer wants them for a cluster, whose nodes fetch what they run from registries: a site becomes an image that runs, and is pushed as it is made. What is
 * kept here is a means: once it is pushed, nothing of it is needed.
 */
export function clusterContent(dependencies: Dependencies): ContentPort {
  const { images, log } = dependencies;
  const sites = new SitePushes(dependencies);
  return {
    ...buildRecords(dependencies),
    build: (request) => build(request, dependencies, sites),
    pull: (request) => look(request, dependencies),
    push: (request) => push(request, dependencies),
    hasImage: () => true,
    encode: () => Promise.resolve(false), // in the image, the compressed forms are there already
    collectGarbage: (keepImages, beforeRemoval) => collectGarbage(images, { keepImages, beforeRemoval, log }),
  };
}

async function build(request: BuildRequest, dependencies: Dependencies, sites: SitePushes): Promise<Image> {
  const { definition, label, progress, signal } = request;
  if (definition.image === null) throw noRepository(definition.name);
  const result = await buildFor(request, dependencies.builder);
  if (result.kind === "files") {
    using _ = await request.sending();
    return await sites.push(result.tree, request, parseReference(definition.image.repository));
  }
  await using incoming = result.image;
  const { images } = dependencies;
  return await takeProgram(incoming, { images, label: `${definition.name}@${label}`, progress, signal });
}

/** What is kept is sent; a site is there since it was built, and only gets its tag. */
async function push(request: PushRequest, { images, registries }: Dependencies): Promise<void> {
  const { digest, reference, signal } = request;
  using client = await openRegistryClient(registries);
  if (images.imageInfo(digest) === undefined) await client.tag(parseReference(reference), digest, { signal });
  else await pushKept(client, await images.open(digest), request);
}

/** Puts sites into registries. */
class SitePushes {
  readonly #dependencies: Dependencies;
  #cache: LayerCache | undefined;

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  async push(tree: Tree, request: BuildRequest, { registry, repository }: ImageReference): Promise<Image> {
    const { images, registries, siteBase, layerFile, log } = this.#dependencies;
    const { definition, signal, progress } = request;
    const { LayerCache: Cache, pushSite } = await import("../images/writer/index.ts");
    const cache = (this.#cache ??= new Cache(layerFile));
    using client = await openRegistryClient(registries);
    let sent = 0;
    const onBlob: PushSiteRequest["onBlob"] = (_, size, outcome) => {
      if (outcome !== "uploaded") return;
      sent += size;
      progress(`pushing to ${registry}/${repository}: ${(sent / 1e6).toFixed(1)} MB sent`);
    };
    const { digest, files, bytes } = await pushSite({
      base: siteBase.open(client, signal),
      facts: Promise.resolve({ labels: {}, createdAt: null, args: siteArguments(definition) }),
      reference: { registry, repository },
      client,
      files: images.files,
      tree,
      cache,
      onBlob,
      signal,
    });
    try {
      cache.save();
    } catch (error) {
      log.warn({ err: error }, "layers that were made could not be remembered; they are made anew");
    }
    return { digest, files, bytes };
  }
}

/** An image of a registry, which stays there: that there is something in it for the cluster's nodes to run. */
async function look({ definition, reference, signal }: PullRequest, { registries }: Dependencies): Promise<Image> {
  using client = await openRegistryClient(registries);
  const { digest, config, bytes } = await readConfig(client, parseReference(reference), signal);
  if (definition.job === null && definition.run.driver === "docker") checkRunnable(config, definition, reference);
  return { digest, files: 0, bytes };
}

/** Of an index, the config is that of the first image for Linux. Throws IMAGE_NOT_FOUND, and what registries throw. */
async function readConfig(
  client: RegistryClient,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<{ digest: string; config: Buffer; bytes: number }> {
  const { digest, parsed } = await client.manifest(reference, { signal });
  const platforms = parsed.kind === "index" ? parsed.manifests.flatMap(({ platform }) => platform ?? []) : undefined;
  const platform = platforms?.find(({ os }) => os === "linux");
  if (platforms !== undefined && platform === undefined) {
    throw new SteppeError("IMAGE_NOT_FOUND", {
      operation: "look at",
      subject: reference.repository,
      cause: `it has no image for Linux, only for ${platforms.map(formatPlatform).join(", ") || "none that it names"}`,
    });
  }
  const image = await pullImage(client, { ...reference, digest }, { signal, ...(platform && { platform }) });
  const bytes = image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  return { digest, config: image.config, bytes };
}

/** Throws IMAGE_INVALID. */
function checkRunnable(config: Buffer, { name, run }: AppDefinition, reference: string): void {
  const { entrypoint, command, isData } = parseImageConfig(config);
  const refuse = (cause: string, hint: string): SteppeError =>
    new SteppeError("IMAGE_INVALID", { operation: "run", subject: reference, cause, hint });
  if (isData) {
    const cause = "it holds files and no program: a Steppe on one machine has pushed it";
    throw refuse(cause, `Deploy its tag here: \`steppe deploy ${name} --tag TAG\`; or make it with \`steppe build\`.`);
  }
  if (entrypoint.length === 0 && command.length === 0 && run.command === null)
    throw refuse("it does not say what runs in it", "Say it with the app's `run.command`, or in its Dockerfile.");
}

function noRepository(app: string): SteppeError {
  return new SteppeError("CONFIG_INVALID", {
    operation: "build",
    subject: app,
    cause: "it has no `image`, and the nodes of a cluster fetch images from a registry",
    hint: "Give it an `image`: registry and repository.",
  });
}
