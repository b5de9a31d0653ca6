import type { IncomingHttpHeaders } from "node:http";

/** How many pulls a registry still allows, as Docker Hub says it. https://docs.docker.com/docker-hub/usage/pulls/ */
export interface RateLimit {
  /** Pulls in a window. */
  limit: number;
  /** Pulls that are left in this window. */
  remaining: number;
  /** How long a window is, in seconds, if it is told. */
  window?: number;
}

/** `ratelimit-limit: 100;w=21600` and `ratelimit-remaining: 76;w=21600`; undefined if it is not told. */
export function parseRateLimit(headers: IncomingHttpHeaders): RateLimit | undefined {
  const limit = quota(headers["ratelimit-limit"]);
  const remaining = quota(headers["ratelimit-remaining"]);
  if (limit === undefined || remaining === undefined) return undefined;
  const window = remaining.window ?? limit.window;
  return { limit: limit.count, remaining: remaining.count, ...(window === undefined ? {} : { window }) };
}

/** The address of the next page in a `Link` field (RFC 8288), as it stands there; undefined if there is none. */
export function parseNextLink(field: string | undefined): string | undefined {
  for (const { groups } of (field ?? "").matchAll(/<(?<target>[^<>]*)>(?<parameters>(?:[^",<]|"(?:[^"\\]|\\.)*")*)/g)) {
    const relation = /;\s*rel\s*=\s*(?:"(?<quoted>[^"]*)"|(?<plain>[^\s;,"]+))/i.exec(
      groups?.["parameters"] ?? "",
    )?.groups;
    const names = (relation?.["quoted"] ?? relation?.["plain"] ?? "").toLowerCase().split(/\s+/);
    if (names.includes("next")) return groups?.["target"];
  }
  return undefined;
}

/**
 * How many bytes of an upload a registry has, from `Range: 0-1023` (with or without `bytes=`). A registry that has none says `0-0`, or
 * nothing at all: one byte cannot be told from none, and is taken as none.
 */
export function parseUploadRange(field: string | undefined): number | undefined {
  const end = /^\s*(?:bytes[= ])?0-(\d{1,15})\s*$/.exec(field ?? "")?.[1];
  if (end === undefined) return undefined;
  return end === "0" ? 0 : Number(end) + 1;
}

/** What part of the content an answer 206 holds (RFC 9110, 14.4); `size` is undefined if it says `*`. */
export function parseContentRange(
  field: string | undefined,
): { first: number; last: number; size?: number } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(field?.trim() ?? "");
  if (match === null) return undefined;
  const [first, last, size] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (last < first || size <= last) return undefined;
  return { first, last, ...(Number.isNaN(size) ? {} : { size }) };
}

function quota(field: string | string[] | undefined): { count: number; window?: number } | undefined {
  const match = /^\s*(\d{1,9})\s*(?:;\s*w=(\d{1,9}))?/.exec(typeof field === "string" ? field : "");
  if (match === null) return undefined;
  return { count: Number(match[1]), ...(match[2] === undefined ? {} : { window: Number(match[2]) }) };
}
