import type { Builder } from "../builds/index.ts";
import type { ContentPort } from "../deployer/index.ts";
import { collectGarbage, type EncodingMaker, type ImageStore } from "../images/index.ts";
import type { Logger } from "../shared/log.ts";

interface Dependencies {
  builder: Builder;
  images: ImageStore;
  encodings: EncodingMaker;
  log: Logger;
}

/** Builds and images as the deployer wants them. */
export function contentPort({ builder, images, encodings, log }: Dependencies): ContentPort {
  return {
    build: ({ definition, deployment, tree, label, signal, onLine, progress }) =>
      builder.buildImage({
        app: definition.name,
        deployment,
        tag: label,
        tree,
        folder: definition.folder,
        build: definition.build,
        progress,
        onLine,
        signal,
      }),
    buildLog: (deployment) => builder.log(deployment),
    removeBuildLogs: (deployments) => builder.removeLogs(deployments),
    forgetApp: (app) => builder.forgetCaches(app),
    hold: () => images.files.hold(),
    createImage: (tree) => images.createImage(tree),
    hasImage: (digest) => images.hasImage(digest),
    async encode(digest, signal) {
      const { forms } = await encodings.make(await images.readTree(digest), signal);
      return forms > 0;
    },
    collectGarbage: (keepImages, beforeRemoval) => collectGarbage(images, { keepImages, beforeRemoval, log }),
  };
}
