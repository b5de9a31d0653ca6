import type { KnipConfig } from "knip";
import { entrySources } from "../../src/shared/entry-file.ts";

const config: KnipConfig = {
  entry: [
    ...Object.values(entrySources).map((source) => `src/${source}`),
    "scripts/*.ts",
    "scripts/site-server/build.ts",
    "benchmarks/main.ts",
    "test/soak/main.ts",
    "test/nomad/main.ts",
    "test/soak/release-images.ts",
    "test/fuzz/grow-corpus.ts",
    "{src,test,benchmarks}/**/*.test.ts",
  ],
  // The core is AssemblyScript: scripts/build-core.ts compiles it.
  project: ["{src,test,scripts,benchmarks}/**/*.ts", "!src/site-server/core/**"],
  ignoreExportsUsedInFile: true,
  // The types that an index offers belong to what it offers, whether or not somebody names them.
  // Programs of the system are peers of tests, see test/support/peers.ts.
  exclude: ["types", "binaries"],
  ignoreDependencies: [
    // run by path from scripts/check.ts
    "oxfmt",
    "oxlint",
    "oxlint-tsgolint",
    // imported only by tests of the core, as peers
    "@netlify/headers-parser",
    "@netlify/redirect-parser",
  ],
};

export default config;
