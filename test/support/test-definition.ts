import type { AppDefinition, DockerfileDefinition, RunDefinition } from "../../src/config/index.ts";

/** What an app says of its Dockerfile that says nothing. */
export const testDockerfile: DockerfileDefinition = {
  auto: true,
  file: "Dockerfile",
  context: ".",
  target: null,
  args: {},
  secrets: {},
  platform: null,
  timeoutMs: 1_800_000,
};

/** What an app says of its instances that says nothing. */
export const testRun: RunDefinition = {
  driver: "docker",
  command: null,
  args: [],
  port: null,
  count: 1,
  cpu: 100,
  memory: 128,
  memoryMax: null,
  metrics: null,
  env: {},
  constraints: [],
  spread: [],
  promote: "auto",
  minHealthyMs: 5000,
  healthyDeadlineMs: 300_000,
  shutdownDelayMs: 2000,
};

/** The definition of an app of which nothing but its name and domain is told, for tests; with `change` put over it. */
export function testDefinition(name: string, change: Partial<AppDefinition> = {}): AppDefinition {
  return {
    name,
    domains: [`${name}.localhost`],
    repository: null,
    pollMs: 300_000,
    tags: ["*"],
    branches: [],
    folder: ".",
    build: null,
    dockerfile: testDockerfile,
    image: null,
    policy: { semver: null, approve: false, windows: [] },
    check: { path: "/", status: [200, 399], contains: null, timeoutMs: 10_000 },
    run: testRun,
    nomad: { job: {}, group: {}, task: {}, service: {} },
    job: null,
    compatible: null,
    redirectToHttps: false,
    notFoundPage: "404.html",
    cleanUrls: false,
    fallback: null,
    cacheControl: { changing: "no-cache", hashed: "public, max-age=31536000, immutable" },
    graceMs: 3_600_000,
    keepReleases: 10,
    ...change,
  };
}
