import compareBuild from "semver/functions/compare-build.js";
import parse from "semver/functions/parse.js";
import satisfies from "semver/functions/satisfies.js";

/** The version that a tag names, with or without its `v`: `v1.2.3` and `1.2.3-rc.1`; undefined if it names none. */
export function tagVersion(tag: string): string | undefined {
  return /^v?[0-9]/.test(tag) ? parse(tag.replace(/^v/, ""))?.raw : undefined;
}

/** Whether a version lies in a range. Prereleases do only where the range names one of the same version, as npm has it. */
export function isInRange(version: string, range: string): boolean {
  return satisfies(version, range);
}

/** Below 0 if `a` comes before `b`. A total order of versions. */
export function compareVersions(a: string, b: string): number {
  return compareBuild(a, b);
}
