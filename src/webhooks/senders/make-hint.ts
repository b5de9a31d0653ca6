import { isDigest, isRepository, isTag, parseRegistry } from "../../images/index.ts";
import type { ImageHint, RefHint } from "../types.ts";
import { Malformed } from "./adapter.ts";

/** See git-check-ref-format(1). */
const REF = /^refs\/(?:heads|tags)\/[^\x00-\x20\x7f~^:?*[\\]+$/;
const MOST_REF = 255;
const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** Addresses that git knows and a person may have written in a definition. */
const ADDRESS = /^(?:(?:https?|ssh):\/\/|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:)[\x21-\x7e]+$/;
const MOST_ADDRESS = 2048;

/** The ends of what JavaScript takes for a date; before 1970 is Go's zero time. */
const LAST_DATE = 8.64e15;
const LONGEST_EVENT_ID = 300;

type Said<Value> = Value | null | undefined;

/** What a sender says of an image. Throws Malformed for names that no registry could have. */
export function imageHint(said: {
  registry: string;
  repository: string;
  tag: Said<string>;
  digest: Said<string>;
  eventId: Said<string>;
  at: number | null;
}): ImageHint {
  const registry = registryOf(said.registry);
  const tag = said.tag === "" ? null : (said.tag ?? null);
  if (!isRepository(said.repository)) throw new Malformed("the repository's name is none");
  if (tag !== null && !isTag(tag)) throw new Malformed("the tag is none");
  const digest = saysDigest(said.digest) ? said.digest : null;
  return {
    kind: "image",
    registry,
    repository: said.repository,
    tag,
    digest,
    eventId: boundedId(said.eventId),
    at: said.at,
  };
}

function registryOf(host: string): string {
  try {
    return parseRegistry(host);
  } catch (error) {
    throw new Malformed("the registry's host is none", { cause: error });
  }
}

/** What a sender says of a ref. Throws Malformed for what git could not have. */
export function refHint(said: {
  repositoryUrls: readonly Said<string>[];
  ref: string;
  commit: Said<string>;
  eventId: Said<string>;
  at: number | null;
}): RefHint {
  const known = said.repositoryUrls.filter(
    (url): url is string => typeof url === "string" && url.length <= MOST_ADDRESS,
  );
  const repositoryUrls = [...new Set(known.filter((url) => ADDRESS.test(url)))];
  if (repositoryUrls.length === 0) throw new Malformed("the repository has no address");
  if (said.ref.length > MOST_REF || !REF.test(said.ref) || said.ref.includes("..")) {
    throw new Malformed("the ref is neither a tag nor a branch");
  }
  const commit = typeof said.commit === "string" && OID.test(said.commit) ? said.commit : null;
  return { kind: "ref", repositoryUrls, ref: said.ref, commit, eventId: boundedId(said.eventId), at: said.at };
}

const FOLDERS: ReadonlyMap<string, string> = new Map([
  ["tag", "refs/tags/"],
  ["branch", "refs/heads/"],
]);

/** The full name of a `tag` or `branch`, of which Gitea and Forgejo have sent short and full names; undefined for another type. */
export function fullRef(type: string, name: string): string | undefined {
  const folder = FOLDERS.get(type);
  if (folder === undefined) return undefined;
  return name.startsWith(folder) ? name : folder + name;
}

export function saysDigest(value: Said<string>): value is string {
  return typeof value === "string" && isDigest(value);
}

/** Whether git says with this object id that there is nothing: a ref was made or deleted. */
export function isNoObject(oid: Said<string>): boolean {
  return typeof oid === "string" && /^0+$/.test(oid);
}

/** A date of RFC 3339, or seconds since 1970, as milliseconds; null if it is neither. */
export function toTime(said: Said<string | number>): number | null {
  const ms = typeof said === "number" ? Math.round(said * 1000) : Date.parse(said ?? "");
  return ms > 0 && ms <= LAST_DATE ? ms : null;
}

/** An id is a key of the journal. */
function boundedId(id: Said<string>): string | null {
  return typeof id === "string" && id !== "" && id.length <= LONGEST_EVENT_ID ? id : null;
}
