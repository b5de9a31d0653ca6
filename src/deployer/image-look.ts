import { type AppDefinition, selectTag } from "../config/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { Semaphore } from "../shared/semaphore.ts";
import type { ImageTagRow } from "../store/index.ts";
import type { RegistryReader } from "./dependencies.ts";
import { candidate, type ImageCandidate, MOST_ASKED, tagsToAsk } from "./tags-to-ask.ts";

/** So many tags of a repository are read. */
const MOST_LISTED = 20_000;
/** Requests on their way at once. */
const AT_ONCE = 4;

/** What is known of an app's repository of images before a look. */
export interface ImageLookRequest {
  definition: AppDefinition;
  /** `registry.example.com/team/blog` */
  repository: string;
  known: ReadonlyMap<string, ImageTagRow>;
  /** The tags that are told of, the last one last. */
  wanted: ReadonlySet<string>;
  /** Those of them of which it was proven who tells. */
  proven: ReadonlySet<string>;
  /** Whether all that there is is to be looked at. */
  isPoll: boolean;
  /** The tag that is live, without `release-`, and when its release was made; null if what is live came from no tag, or nothing is. */
  live: { tag: string; at: number } | null;
  /** Of an image that is live or on its way to be: since when, milliseconds since 1970; else undefined. */
  servedSince(digest: string): number | undefined;
  registry: RegistryReader;
  now: number;
  signal: AbortSignal;
}

/** What a tag stands for now, and since when. */
export type TagMark = Pick<ImageTagRow, "tag" | "digest" | "createdAt" | "seenAt">;

/** What a look found. Nothing is written yet. */
export interface ImagesLook {
  deploy: { tag: string; digest: string; movedFrom?: string } | undefined;
  /** What is new, or stands for something else than before. */
  changed: TagMark[];
  /** What stands for what it did before. */
  same: string[];
  /** What is not there (any more), and what is there again. */
  gone: string[];
  back: string[];
  /** What was told of, and is not there. */
  absent: string[];
  /** What was told of, and is to be asked for later. */
  postponed: string[];
  /** Whether there is no tag at all, nor ever was; or not even the repository. */
  nothing: "tags" | "repository" | null;
  /** Why a tag that changed, or was told of, does not deploy: a line for people for each. */
  notes: Map<string, string>;
  /** Why something of a tag could not be found out: nothing is said of that tag above, so that it is asked for again. */
  failure: Error | undefined;
}

interface Found {
  tag: string;
  /** Undefined if there is no such tag. */
  digest: string | undefined;
}

interface Moved {
  tag: string;
  digest: string;
}

/**
 * Asks a registry what the tags of an app's repository stand for, those that are told of or else those that are new or may have moved,
 * with a bounded number of requests; and says which of them deploys by the app's policy. One tag that the registry does not give keeps the others
 * from nothing. Throws what registries do if nothing could be found out; at the first look also if anything could not for a while, since what is there
 * then is not new later.
 */
export async function lookAtImages(request: ImageLookRequest): Promise<ImagesLook> {
  const { definition, known, wanted, isPoll, registry, repository, signal } = request;
  // The first look is at all: what else is there is not new when it is seen the next time.
  const listsAll = isPoll || wanted.size > MOST_ASKED || known.size === 0;
  const found = listsAll ? await registry.tags(repository, MOST_LISTED, signal) : undefined;
  const listed = listsAll ? (found ?? []) : undefined;
  const command = commandOf(request, listed);
  const { ask, unasked, postponed, reasons } = await tagsToAsk({ definition, known, wanted, isPoll, listed, command });
  const there = new Set(listed);
  const look: ImagesLook = {
    deploy: undefined,
    // What is only told of may not be there yet, or never be: it is new when it comes.
    changed: unasked
      .filter((tag) => there.has(tag))
      .map((tag) => ({ tag, digest: null, createdAt: null, seenAt: request.now })),
    same: [],
    gone: [],
    back: [],
    absent: [],
    postponed,
    nothing: listed?.length === 0 && known.size === 0 ? (found === undefined ? "repository" : "tags") : null,
    notes: new Map(reasons),
    failure: undefined,
  };
  const answers = await askAll(request, ask, look);
  if (listed !== undefined) compareList(new Set(listed), request, look);
  await select(sortOut(answers, request, look), { ...request, command }, look);
  for (const tag of [...unasked, ...postponed]) {
    if (wanted.has(tag) && !look.notes.has(tag)) {
      look.notes.set(
        tag,
        `${tag} came with many others, of which only the newest are looked at; \`${command(tag)}\` deploys it`,
      );
    }
  }
  return look;
}

async function askAll(request: ImageLookRequest, tags: readonly string[], look: ImagesLook): Promise<Found[]> {
  const { registry, repository, signal } = request;
  const places = new Semaphore(AT_ONCE);
  const outcomes = await Promise.allSettled(
    tags.map(async (tag) => {
      using _ = await places.acquire(signal);
      return { tag, digest: await registry.resolve(`${repository}:${tag}`, signal) };
    }),
  );
  const answered = outcomes.some(({ status }) => status === "fulfilled");
  return outcomes.flatMap((outcome, i) => {
    if (outcome.status === "fulfilled") return [outcome.value];
    if (!answered) throw outcome.reason;
    leaveOut(tags[i] ?? "", outcome.reason, request, look);
    return [];
  });
}

/** Goes on without a tag of which something could not be found out, unless all of them count, or nobody waits any more. */
function leaveOut(tag: string, thrown: unknown, { known, now, signal }: ImageLookRequest, look: ImagesLook): void {
  if (signal.aborted || !(thrown instanceof SteppeError)) throw thrown;
  if (known.size === 0) {
    // What the registry keeps to itself stays so: to ask again would not help, and later it shall not be new.
    if (thrown.code !== "REGISTRY_REFUSED") throw thrown;
    look.changed.push({ tag, digest: null, createdAt: null, seenAt: now });
  }
  look.failure ??= thrown;
}

function compareList(listed: ReadonlySet<string>, { known }: ImageLookRequest, look: ImagesLook): void {
  for (const { tag, isGone, askedAt } of known.values()) {
    // What is about to be pushed was never asked for, and is not there yet.
    if (!listed.has(tag) && !isGone && askedAt > 0) look.gone.push(tag);
    else if (listed.has(tag) && isGone) look.back.push(tag);
  }
}

/** What changed by the registry's word, and may deploy. */
function sortOut(found: readonly Found[], request: ImageLookRequest, look: ImagesLook): Moved[] {
  const { known, proven, servedSince, now } = request;
  const moved: Moved[] = [];
  for (const { tag, digest } of found) {
    const before = known.get(tag);
    const served = digest === undefined ? undefined : servedSince(digest);
    if (digest === undefined) {
      look.notes.set(tag, `there is no tag ${tag} in ${request.repository}`);
      if (request.wanted.has(tag)) look.absent.push(tag);
      if (before !== undefined && before.askedAt > 0 && !look.gone.includes(tag)) look.gone.push(tag);
    } else if (before?.digest === digest) {
      look.same.push(tag);
    } else if (before?.digest === null && !proven.has(tag)) {
      // Nobody asked what it was when it was first seen: it is older than what was deployed then, whatever somebody says who may be anybody.
      look.changed.push({ tag, digest, createdAt: 0, seenAt: before.seenAt });
    } else if (served !== undefined) {
      look.changed.push({ tag, digest, createdAt: served, seenAt: now });
    } else {
      moved.push({ tag, digest });
    }
  }
  return moved;
}

/** Chooses what deploys of what moved, and marks all of it. */
async function select(
  moved: readonly Moved[],
  request: ImageLookRequest & { command(tag: string): string },
  look: ImagesLook,
): Promise<void> {
  if (moved.length === 0) return;
  const { definition, repository, known, live, registry, signal, now, command } = request;
  const candidates = knownCandidates(moved, request, look);
  for (const { tag, digest } of moved) {
    let createdAt: number | null = null;
    try {
      // Where versions decide, age does not matter.
      if (definition.policy.semver === null) createdAt = await registry.createdAt(`${repository}@${digest}`, signal);
    } catch (error) {
      leaveOut(tag, error, request, look);
      continue;
    }
    look.changed.push({ tag, digest, createdAt, seenAt: now });
    candidates.push(candidate(tag, { createdAt, appeared: known.size === 0 ? 0 : now, changed: true }));
  }
  const { deploy, passedOver } = await selectTag(candidates, definition, { live: live?.tag ?? null, command });
  for (const { tag, reason } of passedOver) look.notes.set(tag.tag, reason);
  const chosen = moved.find(({ tag }) => tag === deploy?.tag);
  const movedFrom = known.get(chosen?.tag ?? "")?.digest ?? null;
  look.deploy = chosen && { ...chosen, ...(movedFrom === null ? {} : { movedFrom }) };
}

/** What was seen before, and may be newer than what moved. */
function knownCandidates(
  moved: readonly Moved[],
  { known, live }: ImageLookRequest,
  look: ImagesLook,
): ImageCandidate[] {
  if (known.size === 0 && live !== null) {
    return [candidate(live.tag, { createdAt: live.at, appeared: live.at, changed: false })];
  }
  const without = new Set([...moved.map(({ tag }) => tag), ...look.gone]);
  return [...known.values()].flatMap(({ tag, digest, createdAt, seenAt, isGone }) => {
    if (digest === null || (isGone && !look.back.includes(tag)) || without.has(tag)) return [];
    return [candidate(tag, { createdAt, appeared: seenAt, changed: false })];
  });
}

/** The policy knows a tag without its `release-`; a person has to write it as it is in the registry. */
function commandOf({ definition, repository, known, wanted }: ImageLookRequest, listed: readonly string[] = []) {
  const tags = new Set([...known.keys(), ...wanted, ...listed]);
  return (name: string): string => {
    const pushed = `release-${name}`;
    return `steppe deploy ${definition.name} --image ${repository}:${tags.has(pushed) && !tags.has(name) ? pushed : name}`;
  };
}
