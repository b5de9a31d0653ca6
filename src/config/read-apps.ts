import type * as z from "zod";
import type { AppDefinition, DockerfileDefinition } from "./app-definition.ts";
import { type CompatibleDefinition, usualKey } from "./compatible-definition.ts";
import { compatibleSchema } from "./compatible-schema.ts";
import { defaults, limits } from "./defaults.ts";
import { parseDomain } from "./domain.ts";
import { keysTwice } from "./keys-twice.ts";
import {
  BESIDE_COMPATIBLE,
  BESIDE_JOB,
  COMPATIBLE_ALONE,
  DOCKERFILE_BESIDE_BUILD,
  JOB_ALONE,
  type Path,
  type Problem,
  RUN_BESIDE_JOB,
  toProblems,
  valueAt,
} from "./problems.ts";
import type { RunDefinition } from "./run-definition.ts";
import { nomadSchema, runSchema } from "./run-schema.ts";
import { appSchema, fileSchema } from "./schema.ts";

type AppFields = z.output<typeof appSchema>;

/** What reading a `steppe.yaml`'s content gives: the apps, or everything that is wrong with it. */
export type ReadApps = { apps: AppDefinition[] } | { problems: Problem[] };

const keysOfFile = Object.keys(fileSchema.shape);
const keysOfApp = Object.keys(appSchema.shape);
const keysOfPart: Readonly<Record<string, readonly string[]>> = {
  image: ["repository", "site"],
  dockerfile: ["file", "context", "target", "args", "secrets", "platform", "timeout"],
  build: ["command", "output", "env", "cache", "timeout"],
  check: ["path", "status", "contains", "timeout"],
  run: Object.keys(runSchema.shape),
  nomad: Object.keys(nomadSchema.shape),
  compatible: Object.keys(compatibleSchema.shape),
  cacheControl: ["changing", "hashed"],
};

/** Reads the plain data of a `steppe.yaml` into app definitions, in the order of the file, defaults filled in. */
export function readApps(input: unknown): ReadApps {
  const parsed = fileSchema.safeParse(withoutAnchors(input));
  const problems = parsed.success ? [] : toProblems(parsed.error.issues, input, keysAt);
  problems.push(...crossProblems(input));
  if (problems.length > 0 || !parsed.success) return { problems };
  const apps = Object.entries(parsed.data.apps).map(([name, fields]) => toDefinition(name, fields));
  const twice = keysTwice(apps);
  return twice.length > 0 ? { problems: twice } : { apps };
}

/** Leaves out the top-level keys that begin with `x-`: they hold YAML anchors for other places. */
function withoutAnchors(input: unknown): unknown {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input;
  return Object.fromEntries(Object.entries(input).filter(([key]) => !key.startsWith("x-")));
}

function keysAt(path: Path): readonly string[] {
  if (path.length === 0) return keysOfFile;
  if (path[3] === "secrets") return ["file", "env"];
  if (path[3] === "constraints") return ["attribute", "operator", "value"];
  return path.length === 2 ? keysOfApp : (keysOfPart[String(path[2])] ?? []);
}

function toDefinition(name: string, fields: AppFields): AppDefinition {
  const { build, check } = fields;
  return {
    name,
    domains: fields.domains ?? (fields.domain === undefined ? [] : [fields.domain]),
    repository: fields.repository ?? null,
    pollMs: fields.poll,
    tags: fields.tags,
    branches: fields.branches,
    folder: fields.folder,
    build:
      build === undefined
        ? null
        : {
            command: build.command,
            output: build.output,
            env: build.env,
            cache: build.cache,
            timeoutMs: build.timeout,
          },
    dockerfile: toDockerfile(fields.dockerfile),
    image: fields.image === undefined ? null : { repository: fields.image.repository, site: fields.image.site ?? null },
    policy: { semver: fields.semver ?? null, approve: fields.approve, windows: fields.windows },
    check: { path: check.path, status: check.status, contains: check.contains ?? null, timeoutMs: check.timeout },
    run: toRun(fields.run),
    nomad: fields.nomad,
    job: fields.job ?? null,
    compatible: toCompatible(name, fields),
    redirectToHttps: fields.redirectToHttps,
    notFoundPage: fields.notFoundPage,
    cleanUrls: fields.cleanUrls,
    fallback: fields.fallback ?? null,
    cacheControl: fields.cacheControl,
    graceMs: fields.grace,
    keepReleases: fields.keepReleases,
  };
}

function toRun(fields: AppFields["run"]): RunDefinition {
  const { command, port, memoryMax, metrics, constraints, minHealthyTime, healthyDeadline, shutdownDelay, ...rest } =
    fields;
  return {
    ...rest,
    command: command ?? null,
    port: port ?? null,
    memoryMax: memoryMax ?? null,
    metrics: metrics ?? null,
    constraints: constraints.map(({ attribute, operator, value }) => ({
      attribute: attribute ?? null,
      operator,
      value: value ?? null,
    })),
    minHealthyMs: minHealthyTime,
    healthyDeadlineMs: healthyDeadline,
    shutdownDelayMs: shutdownDelay,
  };
}

function toCompatible(app: string, { compatible, image }: AppFields): CompatibleDefinition | null {
  if (compatible === undefined) return null;
  const { job, key, service, webhook, minHealthyTime, healthyDeadline } = compatible;
  return {
    job: job ?? app,
    key: key ?? usualKey(image?.repository ?? ""),
    service: service ?? null,
    webhook: webhook ?? null,
    minHealthyMs: minHealthyTime,
    healthyDeadlineMs: healthyDeadline,
  };
}

function toDockerfile(field: AppFields["dockerfile"]): DockerfileDefinition | null {
  if (field === false) return null;
  if (field === "auto") return { ...defaults.dockerfile, args: {}, secrets: {} };
  const { file, context, target, args, secrets, platform, timeout } = field;
  const named = { file, context, target: target ?? null, args, secrets, platform: platform ?? null };
  return { auto: false, ...named, timeoutMs: timeout };
}

/** What no field shows by itself: domains that are missing or there twice, two ways of building. Found even where other things are wrong. */
function crossProblems(input: unknown): Problem[] {
  const apps = valueAt(input, ["apps"]);
  if (typeof apps !== "object" || apps === null || Array.isArray(apps)) return [];
  const names = Object.keys(apps);
  if (names.length > limits.apps)
    return [{ path: ["apps"], atKey: true, message: `has more than ${limits.apps} apps` }];
  const problems: Problem[] = [];
  // A record in zod leaves out such a key without a word.
  if (Object.hasOwn(apps, "__proto__")) {
    problems.push({ path: ["apps", "__proto__"], atKey: true, message: "is no name of an app" });
  }
  const seen = new Map<string, { app: string; path: Path }>();
  for (const app of names) {
    const fields: unknown = Reflect.get(apps, app);
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) continue;
    const one = Object.hasOwn(fields, "domain");
    const many = Object.hasOwn(fields, "domains");
    if (one && many) {
      const message = "is there beside `domains`; put all of them into `domains`";
      problems.push({ path: ["apps", app, "domain"], atKey: true, message, other: ["apps", app, "domains"] });
    } else if (!one && !many) {
      const message = `has no \`domain\`; give it one, such as \`domain: ${app}.localhost\``;
      problems.push({ path: ["apps", app], atKey: true, message });
    }
    problems.push(...domainsTwice(fields, app, seen), ...ownJobProblems(fields, app));
    const dockerfile = valueAt(fields, ["dockerfile"]);
    if (Object.hasOwn(fields, "build") && dockerfile !== undefined && dockerfile !== "auto" && dockerfile !== false) {
      const path = ["apps", app, "dockerfile"];
      problems.push({ path, atKey: true, message: DOCKERFILE_BESIDE_BUILD, other: ["apps", app, "build"] });
    }
  }
  return problems;
}

/** A jobspec of the user's own says all but the image, and a job that is the user's own all but its tag. */
function ownJobProblems(fields: object, app: string): Problem[] {
  const has = (name: string): boolean => Object.hasOwn(fields, name);
  const own = has("compatible") ? "compatible" : "job";
  if (!has(own)) return [];
  const [others, besides, alone] =
    own === "job"
      ? [["run", "nomad"], BESIDE_JOB, JOB_ALONE]
      : [["run", "nomad", "job"], BESIDE_COMPATIBLE, COMPATIBLE_ALONE];
  // Who lets canaries take over is none of a jobspec's.
  const isPromote = own === "job" && Object.keys(valueAt(fields, ["run"]) ?? {}).every((key) => key === "promote");
  const problems = others
    .filter((key) => has(key) && !(key === "run" && isPromote))
    .map((key): Problem => {
      const message = key === "run" && own === "job" ? RUN_BESIDE_JOB : besides;
      return { path: ["apps", app, key], atKey: true, message, other: ["apps", app, own] };
    });
  if (!has("image")) problems.push({ path: ["apps", app, own], atKey: true, message: alone });
  return problems;
}

function domainsTwice(fields: object, app: string, seen: Map<string, { app: string; path: Path }>): Problem[] {
  const problems: Problem[] = [];
  const domains = valueAt(fields, ["domains"]);
  const places: Path[] = [["domain"], ...(Array.isArray(domains) ? domains.map((_, index) => ["domains", index]) : [])];
  for (const place of places) {
    const text = valueAt(fields, place);
    const parsed = typeof text === "string" ? parseDomain(text) : { problem: "" };
    if ("problem" in parsed) continue;
    const path: Path = ["apps", app, ...place];
    const first = seen.get(parsed.value);
    if (first === undefined) {
      seen.set(parsed.value, { app, path });
      continue;
    }
    const where = first.app === app ? "is there twice" : `belongs to the app \`${first.app}\` already`;
    problems.push({ path, atKey: false, message: `\`${parsed.value}\` ${where}`, other: first.path });
  }
  return problems;
}
