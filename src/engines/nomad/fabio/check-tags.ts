import { SteppeError } from "../../../shared/errors.ts";
import { isRouteTag, readRouteTag, URL_PREFIX } from "./read-route-tag.ts";
import { type FabioRoute, tableKey } from "./route.ts";
import { stopsFabio } from "./stops-fabio.ts";

/** The tags of a service, as it will be registered in Consul. */
export interface TaggedService {
  name: string;
  tags: readonly string[];
}

/** Something in a service that Fabio would stumble over. */
export interface TagProblem {
  /** The tag; undefined if it is the service's name, or all its tags together. */
  tag: string | undefined;
  /** To be read behind the tag: "has neither host nor path". */
  problem: string;
  /** Whether it stops the routes of everybody from changing, and does not only do something else than it seems. */
  stopsFabio: boolean;
}

/** Nomad's words for what it puts in before a service is registered, of those whose values are harmless. */
const INTERPOLATION = /\$\{NOMAD_(ALLOC_ID|SHORT_ALLOC_ID|ALLOC_INDEX)\}/g;
/** Fabio reads lines of at most 64 KiB, and forgets all after one that is longer. Quoting makes a character ten at most. */
const MOST_CHARACTERS = 4096;

/**
 * What is wrong with the tags of a service: nothing in this list, and Fabio's routes go on changing. A service without tags of routes is none of Fabio's, so its tags may be
 * anything. Tags of canaries, which stand in place of the others, are checked by themselves.
 *
 * @param prefix what tags of routes begin with
 */
export function checkTags({ name, tags }: TaggedService, prefix = URL_PREFIX): TagProblem[] {
  if (!tags.some((tag) => isRouteTag(tag, prefix))) return [];
  const problems: TagProblem[] = [];
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(name)) {
    problems.push({
      tag: undefined,
      problem: `the service's name \`${name}\` has something else than letters, digits, dots and hyphens`,
      stopsFabio: /\s|^$/.test(name),
    });
  }
  if (tags.reduce((sum, tag) => sum + tag.length, 0) > MOST_CHARACTERS) {
    const problem = `the tags have more than ${MOST_CHARACTERS} characters together`;
    problems.push({ tag: undefined, problem, stopsFabio: true });
  }
  const seen = new Set<string>();
  for (const tag of tags) {
    const problem = isRouteTag(tag, prefix) ? routeTagProblem(tag, prefix, seen) : plainTagProblem(tag);
    if (problem !== undefined) problems.push({ tag, problem, stopsFabio: stopsFabio(tag, prefix) });
  }
  return problems;
}

/** Throws ROUTE_TAG_INVALID with the first thing that `checkTags` finds. */
export function requireSoundTags(service: TaggedService, prefix = URL_PREFIX): void {
  const [first, ...rest] = checkTags(service, prefix);
  if (first === undefined) return;
  const more = rest.length === 0 ? undefined : rest.map(describe).join("\n");
  throw new SteppeError("ROUTE_TAG_INVALID", {
    operation: "check the tags of",
    subject: service.name,
    cause: describe(first),
    detail: more,
  });
}

/** The routes that a service's tags ask for; what cannot be read is left out. */
export function routesOf(tags: Iterable<string>, prefix = URL_PREFIX): FabioRoute[] {
  return [...tags].flatMap((tag) => {
    if (!isRouteTag(tag, prefix)) return [];
    const read = readRouteTag(tag.trim(), prefix);
    return "route" in read ? [read.route] : [];
  });
}

function routeTagProblem(tag: string, prefix: string, seen: Set<string>): string | undefined {
  const read = readRouteTag(tag, prefix);
  if ("problem" in read) return read.problem;
  const key = tableKey(read.route);
  if (seen.has(key)) return "has the host and path of another tag; Fabio would take one of them";
  seen.add(key);
  return undefined;
}

/** Fabio puts all other tags of the service, in quotes, behind each of its routes. */
function plainTagProblem(tag: string): string | undefined {
  if (tag.includes('"')) return "has a quotation mark in it, which stops all of Fabio's routes from changing";
  if (/\p{Cc}/u.test(tag)) return "has a control character in it";
  if (!tag.isWellFormed()) return "has half of a character in it";
  if (tag.replace(INTERPOLATION, "").includes("${"))
    return "has something in it that Nomad puts in later, so what it will be cannot be checked";
  return undefined;
}

function describe({ tag, problem }: TagProblem): string {
  return tag === undefined ? problem : `the tag \`${tag.length > 100 ? `${tag.slice(0, 100)}…` : tag}\` ${problem}`;
}
