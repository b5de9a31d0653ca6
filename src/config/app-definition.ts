/**
 * What a user declares of an app, after defaults were filled in. The zod schema beside this file
 * produces exactly this; everything else in Steppe reads only this type. A release keeps a
 * snapshot of it as JSON.
 */
export interface AppDefinition {
  /** Lower-case letters, digits and hyphens, at most 63: a DNS label. */
  name: string;
  /** Host names: exact (`blog.example.com`), wildcard (`*.example.com`, one label), or `*` (any host not otherwise known). */
  domains: string[];
  /** Where the repository lives, if not here: an address that `git fetch` takes. */
  repository: string | null;
  /** How often a remote repository's tags are looked at, milliseconds. */
  pollMs: number;
  /** Glob patterns of the tags that deploy (`*`, `v*`, `v[0-9]*`). `latest` never does. */
  tags: string[];
  /** Glob patterns of the branches that deploy when they move. Default none. */
  branches: string[];
  /** The folder of the repository (or of an upload) that is the site, when nothing is built. `.` is the root. */
  folder: string;
  /** A command that makes the site, or null: the repository is the site. */
  build: BuildDefinition | null;
  /** What must hold before a release goes live. */
  check: CheckDefinition;
  /** Whether plain HTTP is answered with a redirect to HTTPS. */
  redirectToHttps: boolean;
  /** The page for paths that do not exist, a path within the site; used if it is there. */
  notFoundPage: string;
  /** Whether `/about` is answered with `about.html`. */
  cleanUrls: boolean;
  /** The file that answers paths that do not exist and whose last name has no dot, or null: for single-page applications. */
  fallback: string | null;
  /** How caches may keep what is served. */
  cacheControl: CacheControlDefinition;
  /** How long files whose names carry a hash stay reachable after a switch, milliseconds; 0 is not at all. */
  graceMs: number;
  /** How many releases are kept besides what serves. */
  keepReleases: number;
}

export interface BuildDefinition {
  /** Run by `/bin/sh -c` in a clean checkout: this is the user's own script. */
  command: string;
  /** The folder that the command leaves the site in, relative to the checkout. */
  output: string;
  /** Variables of the build, and nothing else of the environment of Steppe. */
  env: Record<string, string>;
  /** Folders relative to the checkout that are kept from build to build. */
  cache: string[];
  timeoutMs: number;
}

/** Values of the field `Cache-Control`. What `_headers` of the site says goes before them. */
export interface CacheControlDefinition {
  /** Of pages, and of whatever may change under its name. */
  changing: string;
  /** Of files whose names carry a hash of their content. */
  hashed: string;
}

export interface CheckDefinition {
  /** The path that is asked for. */
  path: string;
  /** The statuses that pass: `[200, 399]` is from 200 to 399. */
  status: [number, number];
  /** A text that the answer must contain, or null. */
  contains: string | null;
  /** Milliseconds for the answer. */
  timeoutMs: number;
}
