import { matchGlob } from "../config/index.ts";
import type { RefChanges } from "./ref-changes.ts";
import { type Ref, shortName } from "./refs.ts";

/** The part of an app's definition that says which refs deploy. */
export interface RefPatterns {
  /** The app. */
  name: string;
  /** Patterns of the tags that deploy. */
  tags: readonly string[];
  /** Patterns of the branches that deploy when they move. */
  branches: readonly string[];
}

export interface RefChoice {
  /** What to deploy, if anything. */
  deploy: { ref: Ref; commit: string; movedFrom?: string } | undefined;
  /** For each other ref that is new or moved, why it is not deployed, as a line for people. */
  passedOver: Array<{ ref: Ref; reason: string }>;
}

type Candidate = Ref & { commit: string; movedFrom?: string; changed: boolean };

/**
 * Chooses from what changed in a repository what is deployed by itself: the newest tag, by its creation and not by its name,
 * if its name matches and it is new or moved; or a branch that is asked for. Of several, the newest; an older tag never
 * replaces a newer one that was seen before, unless a person asks for it.
 */
export function selectRef(changes: RefChanges, patterns: RefPatterns): RefChoice {
  const changed: Array<Ref & { from?: string }> = [...changes.added, ...changes.moved];
  const changedNames = new Set(changed.map((ref) => ref.name));
  const newestTag = changes.current
    .filter((ref) => isTag(ref) && objection(ref, patterns) === undefined)
    .reduce<Ref | undefined>((best, ref) => (best && isNewer(best, ref, changedNames) ? best : ref), undefined);
  const passedOver: RefChoice["passedOver"] = [];
  const candidates: Candidate[] = [];
  for (const ref of changed) {
    const reason = objection(ref, patterns) ?? tooOld(ref, newestTag, patterns.name);
    if (reason !== undefined) passedOver.push({ ref, reason });
    else if (ref.commit !== null) {
      const movedFrom = ref.from === undefined ? {} : { movedFrom: ref.from };
      candidates.push({ ...ref, commit: ref.commit, changed: true, ...movedFrom });
    }
  }
  candidates.sort((a, b) => (isNewer(a, b, changedNames) ? -1 : 1));
  const [first, ...others] = candidates;
  for (const ref of others) {
    passedOver.push({
      ref,
      reason: `${shortName(ref.name)} is older than ${shortName(first?.name ?? "")}, which is deployed`,
    });
  }
  if (first === undefined) return { deploy: undefined, passedOver };
  const { commit, movedFrom } = first;
  return { deploy: { ref: first, commit, ...(movedFrom === undefined ? {} : { movedFrom }) }, passedOver };
}

/** Why a ref never deploys by itself, whatever else there is. */
function objection(ref: Ref, { name: app, tags, branches }: RefPatterns): string | undefined {
  const name = shortName(ref.name);
  if (ref.commit === null) return `${name} does not lead to a commit`;
  if (!isTag(ref)) {
    if (branches.some((pattern) => matchGlob(pattern, name))) return undefined;
    const which = branches.length === 0 ? "its `branches` name none" : `its \`branches\` are ${branches.join(", ")}`;
    return `the branch ${name} does not deploy ${app}: ${which}; \`steppe deploy ${app} --branch ${name}\` deploys it`;
  }
  if (name === "latest") return "the tag `latest` never deploys: it does not say what it is";
  if (tags.some((pattern) => matchGlob(pattern, name))) return undefined;
  return `${name} does not match the tags that deploy (${tags.join(", ")}); \`steppe deploy ${app} --tag ${name}\` deploys it`;
}

function tooOld(ref: Ref, newest: Ref | undefined, app: string): string | undefined {
  if (!isTag(ref) || newest === undefined || newest.name === ref.name) return undefined;
  const name = shortName(ref.name);
  return `${name} is older than ${shortName(newest.name)}, which is the newest tag; \`steppe deploy ${app} --tag ${name}\` deploys it`;
}

function isTag(ref: Ref): boolean {
  return ref.name.startsWith("refs/tags/");
}

/**
 * Whether `a` is to be preferred to `b`: made later; in the same second, the one that has just come; then a tag before a branch;
 * then by name, with numbers as numbers.
 */
function isNewer(a: Ref, b: Ref, changed: ReadonlySet<string>): boolean {
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt;
  if (changed.has(a.name) !== changed.has(b.name)) return changed.has(a.name);
  if (isTag(a) !== isTag(b)) return isTag(a);
  return compareNatural(a.name, b.name) > 0;
}

/** A total order in which v10 comes after v9. */
function compareNatural(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

const collator = new Intl.Collator("en", { numeric: true });
