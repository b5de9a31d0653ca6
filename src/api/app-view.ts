import type { App, Deployer } from "../deployer/index.ts";
import { pushUrl, siteUrls } from "./site-urls.ts";
import type { AppView, PlatformAddresses } from "./types.ts";

/** An app as clients see it. */
export function appView(
  app: App,
  deployer: Deployer,
  addresses: PlatformAddresses,
  drifted: ReadonlySet<string> | undefined,
): AppView {
  const { definition, liveRelease, pushToken, createdAt, updatedAt, tagsUnread, paused } = app;
  const live = deployer.releases(definition.name).find((release) => release.live);
  return {
    definition,
    liveRelease,
    urls: siteUrls(live?.definition ?? definition, addresses),
    pushUrl: definition.repository === null ? pushUrl(definition.name, pushToken, addresses) : null,
    createdAt,
    updatedAt,
    tagsUnread,
    paused,
    drifted: drifted?.has(definition.name) ?? null,
    lastDeployment: deployer.deployments(definition.name, 1)[0] ?? null,
  };
}
