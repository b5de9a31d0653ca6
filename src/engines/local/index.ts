export type { FileLocator } from "./compile-site-index.ts";
export { hasOutdatedIndexes, renewIndexes } from "./renew-indexes.ts";
export { createLocalEngine, type LocalEngine, type LocalEngineOptions } from "./local-engine.ts";
