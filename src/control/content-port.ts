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
  /** Images of which all forms are made, as long as nothing was taken away: a rollback need not look at each file again. */
  const encoded = new Set<string>();
  return {
    async build({ definition, deployment, tree, label, signal, onLine, progress }) {
      const result = await builder.buildImage({
        app: definition.name,
        deployment,
        tag: label,
        tree,
        folder: definition.folder,
        build: definition.build,
        dockerfile: null,
        progress,
        onLine,
        signal,
      });
      if (result.kind === "image") throw new TypeError("no Dockerfile was to be built");
      return result.tree;
    },
    buildLog: (deployment) => builder.log(deployment),
    removeBuildLogs: (deployments) => builder.removeLogs(deployments),
    forgetApp: (app) => builder.forgetCaches(app),
    hold: () => images.files.hold(),
    createImage: (tree) => images.createImage(tree),
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
