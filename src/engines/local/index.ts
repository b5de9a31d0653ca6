export type { FileLocator } from "./compile-site-index.ts";
export { createLocalEngine, type LocalEngine, type LocalEngineOptions } from "./local-engine.ts";
