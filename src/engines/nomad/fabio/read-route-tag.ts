import { nearest } from "../../../shared/nearest.ts";
import { fabioOptions } from "./fabio-options.ts";
import type { FabioRoute } from "./route.ts";

/** What tags of routes begin with, unless Fabio is told otherwise (`registry.consul.tagprefix`). */
export const URL_PREFIX = "urlprefix-";

/** A tag that was read, or what is wrong with it, to be read behind its text: "has no host". */
export type ReadRouteTag = { route: FabioRoute } | { problem: string };

/** Fabio compiles the host as a glob when it looks for a route: of one that does not compile every request of every host fails. So none of `[]{}?!\`. */
const HOST = /^[a-z0-9_*-]+(\.[a-z0-9_*-]+)*$/i;
/** What RFC 3986 has in a path, without `$`, which Fabio would replace, `%`, which it never sees, since it compares paths decoded, and what globs are made of but `*`. */
const PATH = /^\/[A-Za-z0-9\-._~/+,;=:@&'()*]*$/;
const PORT = /^:([0-9]{1,5})$/;

/** Whether Fabio takes a tag for that of a route. It does away with spaces around it since 1.6.4. */
export function isRouteTag(tag: string, prefix = URL_PREFIX): boolean {
  return tag.trim().startsWith(prefix);
}

/**
 * Reads the tag of a route as Fabio does (its `parseURLPrefixTag`), but takes only what cannot do harm: one tag that Fabio does not
 * understand, and its routes stay as they are for everybody, until that tag is gone.
 *
 * @param tag begins with the prefix
 */
export function readRouteTag(tag: string, prefix = URL_PREFIX): ReadRouteTag {
  if (/[^\x20-\x7e]/.test(tag)) return { problem: "has a character in it that is not plain ASCII" };
  if (tag !== tag.trim()) return { problem: "has a space before or after it" };
  const [target = "", ...rest] = tag.slice(prefix.length).split(" ");
  const place = readTarget(target);
  if ("problem" in place) return place;
  const options: FabioRoute["options"] = [];
  for (const word of rest) {
    if (word === "") continue;
    const option = readOption(word);
    if ("problem" in option) return option;
    if (options.some(([name]) => name === option.name)) return { problem: `has \`${option.name}\` twice` };
    options.push([option.name, option.value]);
  }
  // Fabio then lets in everybody.
  const has = new Set(options.map(([name]) => name));
  if (has.has("allow") && has.has("deny")) return { problem: "has `allow` and `deny`; Fabio would heed neither" };
  return { route: { ...place, options } };
}

function readTarget(target: string): Omit<FabioRoute, "options"> | { problem: string } {
  if (target === "") return { problem: "has neither host nor path" };
  const tcp = PORT.exec(target);
  if (tcp !== null) {
    const port = Number(tcp[1]);
    return isPort(port) ? { host: "", path: "", port } : { problem: "has a port that there is not" };
  }
  const slash = target.indexOf("/");
  const hostAndPort = slash === -1 ? target : target.slice(0, slash);
  const path = slash === -1 ? "/" : target.slice(slash);
  const [, host = "", port] = /^(.*?)(?::([0-9]{1,5}))?$/.exec(hostAndPort) ?? [];
  if (host === "" && port !== undefined) return { problem: "has a port and a path, but no host" };
  if (host !== "" && !HOST.test(host)) return { problem: `has a host that Fabio may not read: \`${host}\`` };
  if (host.includes("**")) return { problem: `has \`**\` in its host: \`${host}\`` };
  if (port !== undefined && !isPort(Number(port))) return { problem: "has a port that there is not" };
  if (!PATH.test(path)) return { problem: `has a path that Fabio may not read: \`${path}\`` };
  return { host: hostAndPort.toLowerCase(), path, port: undefined };
}

function readOption(word: string): { name: string; value: string } | { problem: string } {
  const equals = word.indexOf("=");
  const name = equals === -1 ? word : word.slice(0, equals);
  const rule = fabioOptions.get(name);
  if (rule === undefined) {
    const meant = nearest(name, fabioOptions.keys());
    const more = meant === undefined ? "" : `; did you mean \`${meant}\`?`;
    return { problem: `has an option that Fabio does not know, \`${name}\`${more}` };
  }
  const value = equals === -1 ? "" : word.slice(equals + 1);
  return rule.takes(value) ? { name, value } : { problem: `has \`${word}\`, where \`${name}\` is ${rule.is}` };
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}
