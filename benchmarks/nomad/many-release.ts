import type { ReleaseSpec } from "../../src/engines/engine.ts";
import { testDefinition, testRun } from "../../test/support/test-definition.ts";

/** What all of many apps are. */
const RUN = { cpu: 10, memory: 10, minHealthyMs: 1000, healthyDeadlineMs: 900_000, shutdownDelayMs: 500 };

/** The name of one of many apps. */
export function manyApp(at: number): string {
  return `bench-many-${at}`;
}

/** A release of one of many apps. Nothing fetches its image. */
export function manyRelease(at: number, number: number): ReleaseSpec {
  const app = manyApp(at);
  const run = { ...testRun, ...RUN, env: { RELEASE: String(number) } };
  const image = { repository: "registry.test/many", site: null };
  return {
    app,
    number,
    image: `sha256:${String(number).padStart(64, "0")}`,
    definition: testDefinition(app, { domains: [`${app}.test`], image, run }),
  };
}

/**
 * A `steppe.yaml` of many apps.
 *
 * @param image the repository that all of them have their image in
 * @param release a value in the environment of each: what is changed
 */
export function manyYaml(apps: number, image: string, release: (at: number) => number): string {
  const run = {
    cpu: RUN.cpu,
    memory: RUN.memory,
    minHealthyTime: `${RUN.minHealthyMs}ms`,
    healthyDeadline: `${RUN.healthyDeadlineMs / 1000}s`,
    shutdownDelay: `${RUN.shutdownDelayMs}ms`,
  };
  const all = Array.from({ length: apps }, (_, at) => {
    const app = {
      domain: `${manyApp(at)}.test`,
      image,
      poll: "7d",
      run: { ...run, env: { RELEASE: String(release(at)) } },
    };
    return [manyApp(at), app];
  });
  return JSON.stringify({ apps: Object.fromEntries(all) }, null, 1);
}
