import { SteppeError } from "../shared/errors.ts";
import type { AppDefinition } from "./app-definition.ts";
import type { Path } from "./problems.ts";
import { readApps } from "./read-apps.ts";

/** The options of `steppe app add`, as they were typed. */
export interface DefinitionOptions {
  domain?: readonly string[];
  repository?: string;
  poll?: string;
  tags?: readonly string[];
  branches?: readonly string[];
  folder?: string;
  build?: string;
  output?: string;
  /** `NAME=VALUE`. */
  env?: readonly string[];
  cache?: readonly string[];
  buildTimeout?: string;
  /** A path; false is that none is looked for. */
  dockerfile?: string | false;
  image?: string;
  imageSite?: string;
  semver?: string;
  approve?: boolean;
  window?: readonly string[];
  checkPath?: string;
  checkStatus?: string;
  checkContains?: string;
  checkTimeout?: string;
  redirectToHttps?: boolean;
  notFoundPage?: string;
  cleanUrls?: boolean;
  fallback?: string;
  cacheControl?: string;
  cacheControlHashed?: string;
  grace?: string;
  keepReleases?: string;
}

/** Which option fills which field, to name the option in an error. */
const optionOf: Readonly<Record<string, string>> = {
  domain: "--domain",
  domains: "--domain",
  repository: "--repository",
  poll: "--poll",
  tags: "--tags",
  branches: "--branches",
  folder: "--folder",
  build: "--build",
  "build.command": "--build",
  "build.output": "--output",
  "build.env": "--env",
  "build.cache": "--cache",
  "build.timeout": "--build-timeout",
  dockerfile: "--dockerfile",
  image: "--image",
  "image.repository": "--image",
  "image.site": "--image-site",
  semver: "--semver",
  approve: "--approve",
  windows: "--window",
  "check.path": "--check-path",
  "check.status": "--check-status",
  "check.contains": "--check-contains",
  "check.timeout": "--check-timeout",
  redirectToHttps: "--redirect-to-https",
  notFoundPage: "--not-found-page",
  cleanUrls: "--clean-urls",
  fallback: "--fallback",
  "cacheControl.changing": "--cache-control",
  "cacheControl.hashed": "--cache-control-hashed",
  grace: "--grace",
  keepReleases: "--keep-releases",
};

/**
 * Makes an app's definition from the options of `steppe app add`: the same fields, rules and defaults as in `steppe.yaml`.
 * Throws USAGE, or DOMAIN_INVALID if the first mistake is in a domain.
 */
export function definitionFromOptions(name: string, options: DefinitionOptions): AppDefinition {
  if (options.domain === undefined)
    throw usage(name, `it has no domain; give it one, such as \`--domain ${name}.localhost\``);
  const result = readApps({ apps: { [name]: toFields(name, options) } });
  if ("apps" in result && result.apps[0] !== undefined) return result.apps[0];
  const problems = "problems" in result ? result.problems : [];
  const told = problems.map(({ path, message }) => `${nameOf(path, name)} ${message}`);
  const first = problems[0];
  const inDomain = first?.path[2] === "domains";
  throw new SteppeError(inDomain ? "DOMAIN_INVALID" : "USAGE", {
    operation: "add",
    subject: `app ${name}`,
    cause: told[0] ?? "is invalid",
    ...(told.length > 1 ? { detail: told.join("\n") } : {}),
    ...(inDomain ? {} : { hint: "See `steppe app add --help`." }),
  });
}

function nameOf(path: Path, name: string): string {
  if (path.length <= 2) return JSON.stringify(name);
  const [, , field, part] = path;
  const option = optionOf[`${String(field)}.${String(part)}`] ?? optionOf[String(field)] ?? String(field);
  // Of a variable, say which one; of a list, the message says enough.
  return field === "build" && part === "env" && path[4] !== undefined ? `${option} ${String(path[4])}` : option;
}

function toFields(name: string, options: DefinitionOptions): Record<string, unknown> {
  return present({
    domains: options.domain,
    repository: options.repository,
    poll: options.poll,
    tags: options.tags,
    branches: options.branches,
    folder: options.folder,
    build: buildFields(name, options),
    dockerfile: options.dockerfile,
    image: imageFields(name, options),
    semver: options.semver,
    approve: options.approve,
    windows: options.window,
    check: present({
      path: options.checkPath,
      status: options.checkStatus,
      contains: options.checkContains,
      timeout: options.checkTimeout,
    }),
    redirectToHttps: options.redirectToHttps,
    notFoundPage: options.notFoundPage,
    cleanUrls: options.cleanUrls,
    fallback: options.fallback,
    cacheControl: present({ changing: options.cacheControl, hashed: options.cacheControlHashed }),
    grace: options.grace,
    keepReleases: wholeNumber(options.keepReleases),
  });
}

function buildFields(name: string, options: DefinitionOptions): Record<string, unknown> | undefined {
  const { build, output, env, cache, buildTimeout } = options;
  if (build !== undefined) {
    return present({ command: build, output, env: env && variables(name, env), cache, timeout: buildTimeout });
  }
  const alone = Object.entries({ "--output": output, "--env": env, "--cache": cache, "--build-timeout": buildTimeout });
  const given = alone.find(([, value]) => value !== undefined);
  if (given === undefined) return undefined;
  throw usage(name, `${given[0]} is given without --build`);
}

function imageFields(name: string, { image, imageSite }: DefinitionOptions): Record<string, unknown> | undefined {
  if (image !== undefined) return present({ repository: image, site: imageSite });
  if (imageSite === undefined) return undefined;
  throw usage(name, "--image-site is given without --image");
}

function variables(name: string, assignments: readonly string[]): Record<string, string> {
  const entries = assignments.map((assignment): [string, string] => {
    const equals = assignment.indexOf("=");
    if (equals < 1) throw usage(name, `--env ${JSON.stringify(assignment)} is no NAME=VALUE`);
    return [assignment.slice(0, equals), assignment.slice(equals + 1)];
  });
  return Object.fromEntries(entries);
}

function wholeNumber(text: string | undefined): number | string | undefined {
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) : text;
}

function present(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function usage(name: string, cause: string): SteppeError {
  return new SteppeError("USAGE", {
    operation: "add",
    subject: `app ${name}`,
    cause,
    hint: "See `steppe app add --help`.",
  });
}
