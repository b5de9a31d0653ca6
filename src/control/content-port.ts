import { type Builder, takeImage } from "../builds/index.ts";
import type { BuildRequest, ContentPort, PullRequest, PushRequest } from "../deployer/index.ts";
import {
  collectGarbage,
  type EncodingMaker,
  type Image,
  type ImageStore,
  type IncomingImage,
  openRegistryClient,
  parseReference,
  pullImage,
  type RegistryAccess,
} from "../images/index.ts";
import type { Logger } from "../shared/log.ts";

interface Dependencies {
  builder: Builder;
  images: ImageStore;
  /** How registries are reached. */
  registries: RegistryAccess;
  encodings: EncodingMaker;
  log: Logger;
}

/** Builds and images as the deployer wants them. */
export function contentPort(dependencies: Dependencies): ContentPort {
  const { builder, images, encodings, log } = dependencies;
  /** Images of which all forms are made, as long as nothing was taken away: a rollback need not look at each file again. */
  const encoded = new Set<string>();
  return {
    build: (request) => build(request, dependencies),
    pull: (request) => pull(request, dependencies),
    push: (request) => push(request, dependencies),
    buildLog: (deployment) => builder.log(deployment),
    removeBuildLogs: (deployments) => builder.removeLogs(deployments),
    forgetApp: (app) => builder.forgetCaches(app),
    hold: () => images.files.hold(),
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

async function build(request: BuildRequest, dependencies: Dependencies): Promise<Image> {
  const { definition, label, ...more } = request;
  const { name: app, folder, build: command, dockerfile } = definition;
  const result = await dependencies.builder.buildImage({
    ...more,
    app,
    tag: label,
    folder,
    build: command,
    dockerfile,
  });
  if (result.kind === "files") return await dependencies.images.createImage(result.tree);
  await using incoming = result.image;
  return await take(incoming, { ...request, label: `${app}@${label}` }, dependencies);
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

async function push({ digest, reference, signal, progress }: PushRequest, { images, registries }: Dependencies) {
  using client = await openRegistryClient(registries);
  const image = await images.open(digest);
  let there = 0;
  const onBlob = (): void => progress(`pushing ${reference}: ${++there} of ${image.layers.length + 1} parts are there`);
  await client.push(parseReference(reference), image, { signal, onBlob });
}
