import type { RemotesPort } from "../deployer/index.ts";
import type { OpenPathTable } from "../webhooks/index.ts";

/**
 * What is polled of apps, and beside it which open paths for webhooks they have: both are told by their definitions.
 *
 * @param changed told when there may be other paths than before
 */
export function withOpenPaths<Remotes extends RemotesPort>(
  remotes: Remotes,
  paths: OpenPathTable,
  changed: () => void,
): Remotes {
  return {
    ...remotes,
    watch(definition) {
      remotes.watch(definition);
      const { name, compatible, image } = definition;
      const path = compatible?.webhook ?? null;
      paths.set(name, path === null || image === null ? null : { path, repository: image.repository });
      changed();
    },
    async forget(app) {
      paths.set(app, null);
      changed();
      await remotes.forget(app);
    },
  };
}
