import { type Builder, type BuildResult, takeImage } from "../builds/index.ts";
import type { BuildRequest, ContentPort, PullRequest, PushRequest } from "../deployer/index.ts";
import {
  collectGarbage,
  type EncodingMaker,
  type Image,
  type ImageStore,
  type IncomingImage,
  type OciImage,
  openRegistryClient,
  parseReference,
  pullImage,
  type RegistryAccess,
  type RegistryClient,
} from "../images/index.ts";
import type { Logger } from "../shared/log.ts";

export interface ContentDependencies {
  builder: Builder;
  images: ImageStore;
  /** How registries are reached. */
  registries: RegistryAccess;
  log: Logger;
}

type Dependencies = ContentDependencies & { encodings: EncodingMaker };

/** Builds and images as the deployer wants them, where all images are kept here. */
export function contentPort(dependencies: Dependencies): ContentPort {
  const { images, encodings, log } = dependencies;
  /** Images of which all forms are made, as long as nothing was taken away: a rollback need not look at each file again. */
  const encoded = new Set<string>();
  return {
    ...buildRecords(dependencies),
    build: (request) => build(request, dependencies),
    pull: (request) => pull(request, dependencies),
    push: (request) => push(request, dependencies),
    hasImage: (digest) => images.hasImage(digest),
    async encode(digest, signal) {
      if (encoded.has(digest)) return false;
      const { forms } = await encodings.make(await images.readTree(digest), signal);
      encoded.add(digest);
      return forms > 0;
    },
    async collectGarbage(keepImages, beforeRemoval) {
      try {
        return await collectGarbage(images, { keepImages, beforeRemoval, log });
      } finally {
        encoded.clear();
      }
    },
  };
}

/** What builds leave behind, and what is held while they go on. */
export function buildRecords({
  builder,
  images,
}: Pick<Dependencies, "builder" | "images">): Pick<ContentPort, "buildLog" | "removeBuildLogs" | "forgetApp" | "hold"> {
  return {
    buildLog: (deployment) => builder.log(deployment),
    removeBuildLogs: (deployments) => builder.removeLogs(deployments),
    forgetApp: (app) => builder.forgetCaches(app),
    hold: () => images.files.hold(),
  };
}

/** Builds what a deployment is about. */
export function buildFor(
  { definition, label, sending: _, ...more }: BuildRequest,
  builder: Builder,
): Promise<BuildResult> {
  const { name: app, folder, build: command, dockerfile } = definition;
  return builder.buildImage({ ...more, app, tag: label, folder, build: command, dockerfile });
}

async function build(request: BuildRequest, dependencies: Dependencies): Promise<Image> {
  const result = await buildFor(request, dependencies.builder);
  if (result.kind === "files") return await dependencies.images.createImage(result.tree);
  await using incoming = result.image;
  return await take(incoming, { ...request, label: `${request.definition.name}@${request.label}` }, dependencies);
}

async function pull(request: PullRequest, dependencies: Dependencies): Promise<Image> {
  const { reference, signal } = request;
  using client = await openRegistryClient(dependencies.registries);
  const incoming = await pullImage(client, parseReference(reference), { signal });
  return await take(incoming, { ...request, label: reference }, dependencies);
}

function take(
  incoming: IncomingImage,
  { definition, label, progress, signal }: Pick<BuildRequest, "definition" | "label" | "progress" | "signal">,
  { images }: Dependencies,
): Promise<Image> {
  const { image } = definition;
  return takeImage(incoming, { images, site: image?.site ?? null, label, progress, signal });
}

async function push(request: PushRequest, { images, registries }: Dependencies): Promise<void> {
  using client = await openRegistryClient(registries);
  await pushKept(client, await images.open(request.digest), request);
}

/** Sends an image that is kept. */
export async function pushKept(
  client: RegistryClient,
  image: OciImage,
  { reference, signal, progress }: PushRequest,
): Promise<void> {
  let there = 0;
  const onBlob = (): void => progress(`pushing ${reference}: ${++there} of ${image.layers.length + 1} parts are there`);
  await client.push(parseReference(reference), image, { signal, onBlob });
}
