import type { ReleaseSpec } from "../../src/engines/engine.ts";
import { testDefinition, testRun } from "../../test/support/test-definition.ts";

/** The name of one of many apps. */
export function manyApp(at: number): string {
  return `bench-many-${at}`;
}

/** A release of one of many apps. Nothing fetches its image. */
export function manyRelease(at: number, number: number): ReleaseSpec {
  const app = manyApp(at);
  const run = { ...testRun, cpu: 10, memory: 10, minHealthyMs: 1000, healthyDeadlineMs: 900_000, shutdownDelayMs: 500 };
  const image = { repository: "registry.test/many", site: null };
  return {
    app,
    number,
    image: `sha256:${String(number).padStart(64, "0")}`,
    definition: testDefinition(app, { domains: [`${app}.test`], image, run }),
  };
}
