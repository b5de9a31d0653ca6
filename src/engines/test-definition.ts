import type { AppDefinition } from "../config/index.ts";

/** An app's definition, for tests of engines. */
export function testDefinition(app: string): AppDefinition {
  return {
    name: app,
    domains: [`${app}.test`],
    repository: null,
    pollMs: 0,
    tags: ["*"],
    branches: [],
    folder: ".",
    build: null,
    check: { path: "/", status: [200, 399], contains: null, timeoutMs: 5_000 },
    redirectToHttps: false,
    notFoundPage: "404.html",
    cleanUrls: false,
    fallback: null,
    cacheControl: { changing: "no-cache", hashed: "public, max-age=31536000, immutable" },
    graceMs: 3_600_000,
    keepReleases: 10,
  };
}
