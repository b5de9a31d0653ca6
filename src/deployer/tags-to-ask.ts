import { type AppDefinition, selectTag, stripRelease, type TagCandidate } from "../config/index.ts";
import type { ImageTagRow } from "../store/index.ts";

/** So many tags that are new or told of are asked for in one look; those that are likeliest to deploy, if there are more. */
export const MOST_ASKED = 20;
/** So many that are known are asked for again at each poll, those first that were not for longest: one of them may have moved. */
const MOST_AGAIN = 10;

/** A tag of a registry as the policy sees it: `name` is without `release-`. */
export type ImageCandidate = TagCandidate & { tag: string };

export interface TagsToAsk {
  /** To be asked for. */
  ask: string[];
  /** Not known yet, and not worth a question: they are marked as seen. */
  unasked: string[];
  /** Known and told of, but there are too many of them: they come first at the next polls. */
  postponed: string[];
  /** Why those that deploy in no case do not, a line for people for each. */
  reasons: Map<string, string>;
}

export interface AskRequest {
  definition: AppDefinition;
  known: ReadonlyMap<string, ImageTagRow>;
  /** The tags that are told of, the last one last. */
  wanted: ReadonlySet<string>;
  /** Whether what is known is looked at again. */
  isPoll: boolean;
  /** All that the registry has, if it was asked. */
  listed: readonly string[] | undefined;
  command(tag: string): string;
}

/** Bounds how many tags a registry is asked for, and says which. */
export async function tagsToAsk(request: AskRequest): Promise<TagsToAsk> {
  const { known, wanted, isPoll, listed = [], definition, command } = request;
  const told = [...wanted].reverse();
  const all = [...new Set([...told, ...listed.filter((tag) => !known.has(tag))])];
  const reasons = await whyNever(all, request);
  const able = all.filter((tag) => !reasons.has(tag));
  const candidates = able.map((tag) => candidate(tag, { createdAt: null, appeared: 0, changed: true }));
  const { deploy } = await selectTag(candidates, definition, { live: null, command });
  const likely = new Set([
    ...(deploy === undefined ? [] : [deploy.tag]), // the highest version, or the last by its name
    ...told.filter((tag) => !reasons.has(tag)).slice(0, MOST_ASKED / 2), // what was pushed last is told of last
    ...able.toSorted((a, b) => collator.compare(b, a)),
  ]);
  const ask = [...likely].slice(0, MOST_ASKED);
  const left = new Set(all).difference(new Set(ask));
  return {
    ask: [...ask, ...(isPoll ? askAgain(known, new Set(listed), ask) : [])],
    unasked: [...left].filter((tag) => !known.has(tag)),
    postponed: [...left].filter((tag) => known.has(tag) && !reasons.has(tag)),
    reasons,
  };
}

/** A tag as the policy sees it. */
export function candidate(tag: string, more: Omit<TagCandidate, "name">): ImageCandidate {
  return { ...more, name: stripRelease(tag), tag };
}

/** Of tags that would not deploy if they were the only ones, why. */
async function whyNever(tags: readonly string[], { definition, command }: AskRequest): Promise<Map<string, string>> {
  const reasons = new Map<string, string>();
  for (const tag of tags) {
    const alone = candidate(tag, { createdAt: null, appeared: 0, changed: true });
    const { passedOver } = await selectTag([alone], definition, { live: null, command });
    for (const { reason } of passedOver) reasons.set(tag, reason);
  }
  return reasons;
}

function askAgain(
  known: ReadonlyMap<string, ImageTagRow>,
  listed: ReadonlySet<string>,
  asked: readonly string[],
): string[] {
  return [...known.values()]
    .filter(({ tag }) => listed.has(tag) && !asked.includes(tag))
    .sort((a, b) => a.askedAt - b.askedAt || b.seenAt - a.seenAt)
    .slice(0, MOST_AGAIN)
    .map(({ tag }) => tag);
}

const collator = new Intl.Collator("en", { numeric: true });
