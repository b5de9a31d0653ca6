import type { AppDefinition } from "../../config/index.ts";
import type { SiteState, Snapshot } from "../../ingress/snapshot/index.ts";
import { SteppeError } from "../../shared/errors.ts";

/** An app's state in a snapshot that is being changed; made if it is not there. */
export function stateOf(draft: Snapshot, app: string): SiteState {
  let state = draft.sites.get(app);
  if (state === undefined) {
    state = { current: null, staged: [], grace: [] };
    draft.sites.set(app, state);
  }
  return state;
}

/**
 * Sends the definition's domains, and no others, to the app.
 * Throws DOMAIN_TAKEN if one goes elsewhere: the store does not let it come to that.
 */
export function addRoutes(draft: Snapshot, { name, domains, redirectToHttps }: AppDefinition): void {
  for (const domain of domains) {
    const other = draft.routes.get(domain);
    if (other === undefined || (other.kind === "site" && other.app === name)) continue;
    const holder = other.kind === "site" ? `the app ${other.app}` : "Steppe's own API";
    throw new SteppeError("DOMAIN_TAKEN", { operation: "route", subject: domain, cause: `it belongs to ${holder}` });
  }
  dropRoutes(draft, name);
  for (const domain of domains) draft.routes.set(domain, { kind: "site", app: name, redirectToHttps });
}

/** Takes away all routes to an app. */
export function dropRoutes(draft: Snapshot, app: string): void {
  for (const [host, route] of draft.routes) {
    if (route.kind === "site" && route.app === app) draft.routes.delete(host);
  }
}
