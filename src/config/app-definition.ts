import type { CompatibleDefinition } from "./compatible-definition.ts";
import type { NomadFragment, RunDefinition } from "./run-definition.ts";

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
  /** How often the tags of a remote repository, and those of `image`, are looked at, milliseconds. */
  pollMs: number;
  /** Glob patterns of the tags that deploy (`*`, `v*`, `v[0-9]*`). `latest` never does. */
  tags: string[];
  /** Glob patterns of the branches that deploy when they move. Default none. */
  branches: string[];
  /** The folder of the repository (or of an upload) that is the site, when nothing is built. `.` is the root. */
  folder: string;
  /** A command that makes the site, or null: the repository is the site, or has a Dockerfile. */
  build: BuildDefinition | null;
  /** The Dockerfile that makes the image, or null: none is looked for. Never beside `build`, unless it is `auto`. */
  dockerfile: DockerfileDefinition | null;
  /** Where the app's images are in a registry, or null: they are only here. */
  image: ImageDefinition | null;
  /** What of the new deploys by itself, and when. */
  policy: PolicyDefinition;
  /** What must hold before a release goes live. */
  check: CheckDefinition;
  /** How its instances are run on a cluster. */
  run: RunDefinition;
  /** What is put over its job on Nomad. */
  nomad: NomadFragment;
  /** A jobspec of the user's own, in HCL, or null. In `steppe.yaml` it may be the path of a file; here it is what is in it. */
  job: string | null;
  /** That its job is the user's own, and takes its image's tag from a key in Consul; or null. Never beside `run`, `nomad` and `job`. */
  compatible: CompatibleDefinition | null;
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
  /** How many releases are kept, the newest ones. The one that serves always is. */
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

export interface DockerfileDefinition {
  /**
   * Whether it is used only where the repository's root has a file `Dockerfile`, `build` is null and `folder` is `.`. All else is
   * then as by default.
   */
  auto: boolean;
  /** The Dockerfile, a path within the repository. */
  file: string;
  /** The folder of the repository that is its context. `.` is the root. */
  context: string;
  /** The stage that is built, by its name or number; null is the last. */
  target: string | null;
  /** Build arguments by name. They stand in the image's history: no place for secrets. */
  args: Record<string, string>;
  /** What `RUN --mount=type=secret` finds, by id: the content of a file of the server, or of a variable of Steppe's environment. */
  secrets: Record<string, { file: string } | { env: string }>;
  /** `linux/arm64`; null is the platform of this machine. */
  platform: string | null;
  timeoutMs: number;
}

export interface ImageDefinition {
  /** Registry and repository: `registry.example.com:5000/team/blog`, `docker.io/library/nginx`. */
  repository: string;
  /**
   * The folder of the image that is the site, absolute: by it the app declares that its base serves it as steppe/static would.
   * Null: only images that are made on steppe/static are sites.
   */
  site: string | null;
}

export interface PolicyDefinition {
  /** The range of versions that deploy, as npm has it; null: a tag need be no version. */
  semver: string | null;
  /** Whether what came by itself waits until a person approves it. */
  approve: boolean;
  /** When what came by itself may go live (`window.ts`), in their normal form. None: at any time. */
  windows: string[];
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
