import type { AppDefinition } from "../config/index.ts";
import type { PlatformAddresses } from "./types.ts";

/**
 * Where an app's site can be seen. HTTPS if plain HTTP only redirects there. A wildcard is shown as such, since it has no one
 * address; the domain `*` is the ingress's own address.
 */
export function siteUrls(
  definition: Pick<AppDefinition, "domains" | "redirectToHttps">,
  addresses: Pick<PlatformAddresses, "http" | "https">,
): string[] {
  const base = new URL(definition.redirectToHttps ? addresses.https : addresses.http);
  return definition.domains.map((domain) => {
    const host = domain === "*" ? base.hostname : domain;
    return `${base.protocol}//${host}${base.port === "" ? "" : `:${base.port}`}`;
  });
}

/** The address for `git push`, with the app's push token as its password. */
export function pushUrl(app: string, pushToken: string, addresses: Pick<PlatformAddresses, "git">): string {
  const url = new URL(`${app}.git`, addresses.git);
  url.username = "steppe";
  url.password = pushToken;
  return url.href;
}
