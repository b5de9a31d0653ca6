import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    globalSetup: ["./test/build-core.ts"],
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "benchmarks/**/*.test.ts"],
    reporters: ["default", "./test/reporter.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: "forks",
  },
});
