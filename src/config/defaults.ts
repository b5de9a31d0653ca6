const minute = 60_000;
const hour = 60 * minute;

/** What an app definition holds where `steppe.yaml` says nothing. Times are milliseconds. */
export const defaults = Object.freeze({
  repository: null,
  pollMs: 5 * minute,
  tags: Object.freeze(["*"]),
  branches: Object.freeze([]),
  folder: ".",
  redirectToHttps: false,
  notFoundPage: "404.html",
  cleanUrls: false,
  fallback: null,
  cacheControl: Object.freeze({ changing: "no-cache", hashed: "public, max-age=31536000, immutable" }),
  graceMs: hour,
  keepReleases: 10,
  build: Object.freeze({ output: "public", timeoutMs: 10 * minute }),
  dockerfile: Object.freeze({
    auto: true,
    file: "Dockerfile",
    context: ".",
    target: null,
    args: Object.freeze({}),
    secrets: Object.freeze({}),
    platform: null,
    // The first build of one fetches its base images.
    timeoutMs: 30 * minute,
  }),
  image: null,
  policy: Object.freeze({ semver: null, approve: false, windows: Object.freeze([]) }),
  check: Object.freeze({ path: "/", status: Object.freeze([200, 399] as const), contains: null, timeoutMs: 10_000 }),
  run: Object.freeze({
    driver: "docker",
    command: null,
    args: Object.freeze([]),
    port: null,
    count: 1,
    cpu: 100,
    memory: 128,
    memoryMax: null,
    metrics: null,
    env: Object.freeze({}),
    constraints: Object.freeze([]),
    spread: Object.freeze([]),
    promote: "auto",
    minHealthyMs: 5000,
    healthyDeadlineMs: 5 * minute,
    // Without it, requests that are under way when a release takes over are lost.
    shutdownDelayMs: 2000,
  }),
  compatible: Object.freeze({ service: null, webhook: null, minHealthyMs: 5000, healthyDeadlineMs: 5 * minute }),
});

/** The bounds of what a definition may ask for. Times are milliseconds. */
export const limits = Object.freeze({
  pollMs: Object.freeze([1000, 7 * 24 * hour] as const),
  graceMs: Object.freeze([0, 30 * 24 * hour] as const),
  buildTimeoutMs: Object.freeze([1000, 24 * hour] as const),
  checkTimeoutMs: Object.freeze([100, 10 * minute] as const),
  keepReleases: Object.freeze([1, 1000] as const),
  count: Object.freeze([1, 1000] as const),
  /** MHz. */
  cpu: Object.freeze([1, 1_000_000] as const),
  /** MB. */
  memory: Object.freeze([10, 10_000_000] as const),
  minHealthyMs: Object.freeze([0, hour] as const),
  healthyDeadlineMs: Object.freeze([1000, 24 * hour] as const),
  shutdownDelayMs: Object.freeze([0, 10 * minute] as const),
  args: 500,
  constraints: 50,
  spreads: 10,
  /** Characters of `nomad`, as JSON. */
  fragmentLength: 64 * 1024,
  /** Characters of a jobspec. */
  jobLength: 64 * 1024,
  domains: 100,
  patterns: 50,
  patternLength: 255,
  cacheFolders: 50,
  environment: 500,
  secrets: 50,
  windows: 50,
  commandLength: 64 * 1024,
  textLength: 4096,
  pathBytes: 1024,
  cacheControlLength: 256,
  apps: 10_000,
  /** Bytes of a `steppe.yaml`. */
  fileBytes: 4 * 1024 * 1024,
});
