import { URL_PREFIX } from "./read-route-tag.ts";

/**
 * The tags by which Fabio sends an app's visitors to its service. A wildcard is Fabio's own, so `*.example.com` matches `a.b.example.com` as well; any host is a route
 * without one, which comes after all others.
 *
 * @param domains of the app's definition
 */
export function routeTags(domains: readonly string[], prefix = URL_PREFIX): string[] {
  return domains.map((domain) => `${prefix}${domain === "*" ? "" : domain}/`);
}
