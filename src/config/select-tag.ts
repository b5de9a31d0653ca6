import type { AppDefinition } from "./app-definition.ts";
import { matchGlob } from "./glob.ts";

/** A tag of a repository of git, or of images. */
export interface TagCandidate {
  /** `v1.2`; of images without `release-` (`stripRelease`). */
  name: string;
  /** When what it names was made; any unit, but one for all. Null if that is not known, or is no time (1970 of a reproducible image). */
  createdAt: number | null;
  /** A number that grows in the order in which tags appeared; 0 for all if that is not known. */
  appeared: number;
  /** Whether it is new, or names something else than when it was last seen: others are not deployed, but may be newer. */
  changed: boolean;
}

/** The part of an app's definition that says which tags deploy. */
export type TagPolicy = Pick<AppDefinition, "name" | "tags"> & { policy: Pick<AppDefinition["policy"], "semver"> };

/** What of the candidates deploys by itself. */
export interface TagChoice<Tag> {
  /** What to deploy, if anything. */
  deploy: Tag | undefined;
  /** For each other candidate that changed, why it is not deployed, as a line for people. */
  passedOver: Array<{ tag: Tag; reason: string }>;
}

export interface SelectOptions {
  /** The tag that is live, without `release-`; null if nothing is, or what is came from no tag. */
  live: string | null;
  /** The command by which a person deploys a tag all the same, given what the tag is called where it is. */
  command(tag: string): string;
}

type Versions = typeof import("./tag-version.ts");

/**
 * Chooses which tag deploys by itself: of all that match the app's `tags` and `semver` the best one, if it changed. The best is
 * the highest version, if there is `semver`; else the newest by its creation (where that is not known of all, the last that
 * appeared). `latest` never deploys, and with `semver` nothing below what is live.
 *
 * @param candidates all tags that there are, those too that were seen before
 */
export async function selectTag<Tag extends TagCandidate>(
  candidates: readonly Tag[],
  definition: TagPolicy,
  options: SelectOptions,
): Promise<TagChoice<Tag>> {
  const versions = definition.policy.semver === null ? undefined : await import("./tag-version.ts");
  const objections = new Map(candidates.map((tag) => [tag, objection(tag.name, definition, options, versions)]));
  const eligible = candidates.filter((tag) => objections.get(tag) === undefined);
  const better = preference(eligible, versions);
  const best = eligible.reduce<Tag | undefined>((one, other) => (one && better(one, other) ? one : other), undefined);
  const changed = candidates.filter((tag) => tag.changed && tag !== best);
  return {
    deploy: best?.changed === true ? best : undefined,
    passedOver: changed.map((tag) => {
      const reason = objections.get(tag) ?? isWorse(tag.name, best?.name ?? "", options, versions);
      return { tag, reason };
    }),
  };
}

/** The tag that a person gave to what Steppe pushed as `release-TAG`; any other tag as it is. */
export function stripRelease(tag: string): string {
  return tag.replace(/^release-(?=.)/, "");
}

/** The tag of an image that was made of a branch or of a folder; it says what it is and deploys nothing by itself. */
export function ownTag(digest: string): string {
  const at = digest.indexOf(":") + 1;
  return `steppe-${digest.slice(at, at + 12)}`;
}

function isOwnTag(name: string): boolean {
  return /^steppe-[0-9a-f]{12}$/.test(name);
}

/** Whether one tag is to be preferred to another: a total order, whatever is known of them. */
function preference(tags: readonly TagCandidate[], versions: Versions | undefined) {
  const datesKnown = tags.every(({ createdAt }) => createdAt !== null);
  return (a: TagCandidate, b: TagCandidate): boolean => {
    const byVersion = versions?.compareVersions(versionOf(a.name, versions), versionOf(b.name, versions)) ?? 0;
    if (byVersion !== 0) return byVersion > 0;
    if (datesKnown && a.createdAt !== b.createdAt) return Number(a.createdAt) > Number(b.createdAt);
    if (a.appeared !== b.appeared) return a.appeared > b.appeared;
    if (a.changed !== b.changed) return a.changed;
    return compareNatural(a.name, b.name) > 0;
  };
}

/** Why a tag never deploys by itself, whatever other tags there are. */
function objection(
  name: string,
  { name: app, tags, policy: { semver } }: TagPolicy,
  { live, command }: SelectOptions,
  versions: Versions | undefined,
): string | undefined {
  if (name === "latest") return "the tag `latest` never deploys: it does not say what it is";
  const anyway = `\`${command(name)}\` deploys it`;
  if (isOwnTag(name)) return `${name} was made by Steppe of a branch or a folder, and never deploys; ${anyway}`;
  if (!tags.some((pattern) => matchGlob(pattern, name))) {
    const which = tags.length === 0 ? `${app} deploys none by itself` : tags.join(", ");
    return `${name} does not match the tags that deploy (${which}); ${anyway}`;
  }
  if (semver === null || versions === undefined) return undefined;
  const version = versions.tagVersion(name);
  if (version === undefined) return `${name} is no version such as v1.2.0, and ${app} deploys ${semver}; ${anyway}`;
  if (!versions.isInRange(version, semver)) {
    const why = version.includes("-") ? "; a prerelease deploys only where `semver` names one of its version" : "";
    return `${name} is not in the versions that deploy (${semver})${why}; ${anyway}`;
  }
  const liveVersion = live === null ? undefined : versions.tagVersion(live);
  if (liveVersion !== undefined && versions.compareVersions(version, liveVersion) < 0) {
    return `${name} is below ${live}, which is live; ${anyway}`;
  }
  return undefined;
}

function isWorse(name: string, best: string, { command }: SelectOptions, versions: Versions | undefined): string {
  const how = versions === undefined ? "is older than" : "is below";
  const which = versions === undefined ? "which is the newest tag" : "which is the highest version that deploys";
  return `${name} ${how} ${best}, ${which}; \`${command(name)}\` deploys it`;
}

/** Of a tag that is eligible, and so has one. */
function versionOf(name: string, versions: Versions): string {
  return versions.tagVersion(name) ?? "0.0.0";
}

/** A total order in which v10 comes after v9. */
function compareNatural(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

const collator = new Intl.Collator("en", { numeric: true });
