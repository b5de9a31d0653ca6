export type * from "./types.ts";
export { FINAL_STATES } from "./types.ts";
export { deployableImage } from "./deployable-image.ts";
export { AppDeployer } from "./deployer.ts";
export { releaseSpec } from "./release-spec.ts";
export type {
  BuildRequest,
  ContentPort,
  DeployEngine,
  DeployerDependencies,
  PullRequest,
  PushRequest,
  RefsLook,
  RegistryPort,
  RegistryReader,
  RemotesPort,
  SourcesPort,
} from "./dependencies.ts";
