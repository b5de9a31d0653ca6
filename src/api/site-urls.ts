import type { AppDefinition } from "../config/index.ts";
import type { PlatformAddresses } from "./types.ts";

/**
 * Where an app's site can be seen. HTTPS if plain HTTP only redirects there. A wildcard is shown as such, since it has no one
 * address; the domain `*` is the ingress's own address. Where there is no ingress it is not known on which ports sites are, and `*` is nowhere.
 */
export function siteUrls(
  definition: Pick<AppDefinition, "domains" | "redirectToHttps">,
  addresses: Pick<PlatformAddresses, "http" | "https">,
): string[] {
  const address = definition.redirectToHttps ? addresses.https : addresses.http;
  if (address === null)
    return definition.domains.filter((domain) => domain !== "*").map((domain) => `http://${domain}`);
  const base = new URL(address);
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
