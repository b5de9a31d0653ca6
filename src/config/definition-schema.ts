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
  environment,
  folder,
  innerPath,
  keepReleases,
  patternList,
  repository,
} from "./schema.ts";

function milliseconds([least, most]: readonly [number, number]) {
  return z
    .int()
    .min(least, { error: `is less than ${least} ms` })
    .max(most, { error: `is more than ${most} ms` });
}

const httpStatus = z.int().min(100, { error: "is no HTTP status" }).max(599, { error: "is no HTTP status" });

/** An AppDefinition as it goes over the wire, all of it there. The fields' rules are those of `steppe.yaml`. */
export const definitionSchema = z.strictObject({
  name: appName,
  domains: domainList,
  repository: repository.nullable(),
  pollMs: milliseconds(limits.pollMs),
  tags: patternList,
  branches: patternList,
  folder,
  build: z
    .strictObject({
      command,
      output: folder,
      env: environment,
      cache: cacheList,
      timeoutMs: milliseconds(limits.buildTimeoutMs),
    })
    .nullable(),
  check: z.strictObject({
    path: checkPath,
    status: z
      .tuple([httpStatus, httpStatus])
      .refine(([first, last]) => first <= last, { error: "is a range that runs backwards" }),
    contains: containsText.nullable(),
    timeoutMs: milliseconds(limits.checkTimeoutMs),
  }),
  redirectToHttps: z.boolean(),
  notFoundPage: innerPath,
  // Those of before did not know these three.
  cleanUrls: z.boolean().prefault(defaults.cleanUrls),
  fallback: innerPath.nullable().prefault(defaults.fallback),
  cacheControl: z.strictObject({ changing: cacheControl, hashed: cacheControl }).prefault(defaults.cacheControl),
  graceMs: milliseconds(limits.graceMs),
  keepReleases,
});
