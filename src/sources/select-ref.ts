import { type AppDefinition, matchGlob, selectTag } from "../config/index.ts";
import type { RefChanges } from "./ref-changes.ts";
import { type Ref, shortName } from "./refs.ts";

/** The part of an app's definition that says which refs deploy. */
export type RefPolicy = Pick<AppDefinition, "name" | "tags" | "branches"> & {
  policy: Pick<AppDefinition["policy"], "semver">;
};

export interface RefChoice {
  /** What to deploy, if anything. */
  deploy: { ref: Ref; commit: string; movedFrom?: string } | undefined;
  /** For each other ref that is new or moved, why it is not deployed, as a line for people. */
  passedOver: Array<{ ref: Ref; reason: string }>;
}

type Candidate = Ref & { commit: string; movedFrom?: string };

/**
 * Chooses from what changed in a repository what is deployed by itself: a tag, as `selectTag` says; or a branch that is asked for.
 * Of several, the newest; an older tag never replaces a newer one that was seen before, unless a person asks for it.
 *
 * @param live the tag that is live; null if nothing is, or what is came from no tag
 */
export async function selectRef(changes: RefChanges, policy: RefPolicy, live: string | null): Promise<RefChoice> {
  const changed: Array<Ref & { from?: string }> = [...changes.added, ...changes.moved];
  const reasons = await tagReasons(changes, policy, live);
  const passedOver: RefChoice["passedOver"] = [];
  const candidates: Candidate[] = [];
  for (const ref of changed) {
    const reason = isTag(ref) ? reasons.get(ref.name) : branchObjection(ref, policy);
    if (ref.commit === null) passedOver.push({ ref, reason: `${shortName(ref.name)} does not lead to a commit` });
    else if (reason !== undefined) passedOver.push({ ref, reason });
    else {
      const movedFrom = ref.from === undefined ? {} : { movedFrom: ref.from };
      candidates.push({ ...ref, commit: ref.commit, ...movedFrom });
    }
  }
  candidates.sort((a, b) => (isNewer(a, b) ? -1 : 1));
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

/** Why each tag that changed is not deployed, by its full name. */
async function tagReasons(changes: RefChanges, policy: RefPolicy, live: string | null): Promise<Map<string, string>> {
  const changed = new Set([...changes.added, ...changes.moved].map((ref) => ref.name));
  const tags = changes.current
    .filter((ref) => isTag(ref) && ref.commit !== null)
    .map((ref) => ({ ...ref, name: shortName(ref.name), ref: ref.name, appeared: 0, changed: changed.has(ref.name) }));
  const command = (tag: string): string => `steppe deploy ${policy.name} --tag ${tag}`;
  const { passedOver } = await selectTag(tags, policy, { live, command });
  return new Map(passedOver.map(({ tag, reason }) => [tag.ref, reason]));
}

/** Why a branch does not deploy. */
function branchObjection(ref: Ref, { name: app, branches }: RefPolicy): string | undefined {
  const name = shortName(ref.name);
  if (branches.some((pattern) => matchGlob(pattern, name))) return undefined;
  const which = branches.length === 0 ? "its `branches` name none" : `its \`branches\` are ${branches.join(", ")}`;
  return `the branch ${name} does not deploy ${app}: ${which}; \`steppe deploy ${app} --branch ${name}\` deploys it`;
}

function isTag(ref: Ref): boolean {
  return ref.name.startsWith("refs/tags/");
}

/** Whether `a`, a branch or the chosen tag, is to be preferred to `b`: made later; then a tag before a branch; then by name. */
function isNewer(a: Ref, b: Ref): boolean {
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt;
  if (isTag(a) !== isTag(b)) return isTag(a);
  return a.name > b.name;
}
