import * as z from "zod";
import { defaults, limits } from "./defaults.ts";
import {
  appName,
  cacheControl,
  cacheList,
  checkPath,
  command,
  containsText,
  domainList,
  folder,
  imageFolder,
  imageRepository,
  innerPath,
  keepReleases,
  patternList,
  platform,
  repository,
  secretSources,
  semverRange,
  target,
  windowList,
} from "./schema.ts";
import { definitionCompatible as compatible } from "./compatible-schema.ts";
import { definitionNomad as nomad, definitionRun as run } from "./run-schema.ts";
import { isJobFile, parseJobspec } from "./job-file.ts";
import { environment, milliseconds, textField } from "./text-field.ts";

const httpStatus = z.int().min(100, { error: "is no HTTP status" }).max(599, { error: "is no HTTP status" });

const build = z.strictObject({
  command,
  output: folder,
  env: environment,
  cache: cacheList,
  timeoutMs: milliseconds(limits.buildTimeoutMs),
});

const dockerfile = z.strictObject({
  auto: z.boolean(),
  file: innerPath,
  context: folder,
  target: target.nullable(),
  args: environment,
  secrets: secretSources,
  platform: platform.nullable(),
  timeoutMs: milliseconds(limits.buildTimeoutMs),
});

const image = z.strictObject({ repository: imageRepository, site: imageFolder.nullable() });

const policy = z.strictObject({ semver: semverRange.nullable(), approve: z.boolean(), windows: windowList });

const check = z.strictObject({
  path: checkPath,
  status: z
    .tuple([httpStatus, httpStatus])
    .refine(([first, last]) => first <= last, { error: "is a range that runs backwards" }),
  contains: containsText.nullable(),
  timeoutMs: milliseconds(limits.checkTimeoutMs),
});

const caching = z.strictObject({ changing: cacheControl, hashed: cacheControl });

/** The keys of the parts of a definition. */
export const partKeys: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries({ build, dockerfile, image, policy, check, run, nomad, compatible, cacheControl: caching }).map(
    ([part, { shape }]) => [part, Object.keys(shape)],
  ),
);

/** An AppDefinition as it goes over the wire, all of it there. The fields' rules are those of `steppe.yaml`. */
export const definitionSchema = z.strictObject({
  name: appName,
  domains: domainList,
  repository: repository.nullable(),
  pollMs: milliseconds(limits.pollMs),
  tags: patternList,
  branches: patternList,
  folder,
  build: build.nullable(),
  // Those of before did not know these three, and built no Dockerfile.
  dockerfile: dockerfile
    .refine((value) => !value.auto || isDefault(value), { error: "is `auto`, and has settings; `auto` has none" })
    .nullable()
    .prefault(null),
  image: image.nullable().prefault(null),
  policy: policy.prefault({ ...defaults.policy, windows: [...defaults.policy.windows] }),
  check,
  // Nor did they know of clusters.
  run: run.prefault({ ...defaults.run, args: [], env: {}, constraints: [], spread: [] }),
  nomad: nomad.prefault({ job: {}, group: {}, task: {}, service: {} }),
  job: textField((text) => {
    return isJobFile(text) ? { problem: "is a path, and should be what is in that file" } : parseJobspec(text);
  })
    .nullable()
    .prefault(null),
  compatible: compatible.nullable().prefault(null),
  redirectToHttps: z.boolean(),
  notFoundPage: innerPath,
  // Nor these.
  cleanUrls: z.boolean().prefault(defaults.cleanUrls),
  fallback: innerPath.nullable().prefault(defaults.fallback),
  cacheControl: caching.prefault(defaults.cacheControl),
  graceMs: milliseconds(limits.graceMs),
  keepReleases,
});

function isDefault(value: z.output<typeof dockerfile>): boolean {
  // Zod gives the fields in the order of the schema, which is that of the defaults.
  return JSON.stringify(value) === JSON.stringify(defaults.dockerfile);
}
