import { isRouteTag, readRouteTag, URL_PREFIX } from "../fabio/read-route-tag.ts";

/** The domain that a tag routes, if that is all it says: `urlprefix-blog.example.com/`. */
export function domainOf(tag: string, prefix = URL_PREFIX): string | undefined {
  const route = routeOf(tag, prefix);
  if (route === undefined || route.options.length > 0 || route.path !== "/") return undefined;
  return hostOf(route.host);
}

/** The domains that tags route in any way, also only below a path. */
export function domainsOf(tags: Iterable<string>, prefix = URL_PREFIX): string[] {
  const hosts = [...tags].flatMap((tag) => {
    const route = routeOf(tag, prefix);
    const host = route === undefined || route.port !== undefined ? undefined : hostOf(route.host.replace(/:\d+$/, ""));
    return host === undefined ? [] : [host];
  });
  return [...new Set(hosts)];
}

function routeOf(tag: string, prefix: string) {
  if (!isRouteTag(tag, prefix)) return undefined;
  const read = readRouteTag(tag.trim(), prefix);
  return "route" in read ? read.route : undefined;
}

/** Undefined of what no app can have as a domain. */
function hostOf(host: string): string | undefined {
  if (host === "" || host === "*") return "*";
  if (!/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(host) || host.length > 253) return undefined;
  const labels = host.replace(/^\*\./, "").split(".");
  const isAddress = /^(0x[0-9a-f]*|[0-9]+)$/.test(labels.at(-1) ?? "");
  return !isAddress && labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label)) ? host : undefined;
}
