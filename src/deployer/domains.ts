import type { AppDefinition } from "../config/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { type AppRow, AppTable, ReleaseTable, type Store } from "../store/index.ts";

/**
 * Who owns which domain. A domain has one owner, also while what is declared and what serves differ (after a rollback, or
 * before a changed definition is live): an app owns what its definition declares and what its live release serves.
 */

/**
 * Makes the app the owner of `domains`, besides those that its definition has, and those that its live release
 * serves and that it has not given to another app. Throws DOMAIN_TAKEN, having changed nothing.
 */
export function claimDomains(store: Store, app: string, domains: readonly string[]): void {
  store.transaction(() => {
    const apps = new AppTable(store);
    const row = apps.get(app);
    const wanted = new Set([...(row?.definition.domains ?? []), ...domains]);
    for (const domain of wanted) {
      const owner = apps.ownerOf(domain);
      if (owner !== undefined && owner !== app) throw taken(domain, app, owner);
    }
    const served = row === undefined ? [] : servedDomains(store, row).filter((domain) => apps.ownerOf(domain) === app);
    apps.setDomains(app, [...wanted, ...served]);
  });
}

/**
 * Checks that with these definitions in force no two apps want the same domain. An app among them may give a
 * domain away to another among them. Throws DOMAIN_TAKEN.
 */
export function assertDomainsFree(
  store: Store,
  definitions: readonly AppDefinition[],
  removed: readonly string[],
): void {
  const declaredNow = new Set(definitions.map((definition) => definition.name));
  const owners = new Map<string, string>();
  for (const row of new AppTable(store).all()) {
    if (declaredNow.has(row.name) || removed.includes(row.name)) continue;
    for (const domain of [...row.definition.domains, ...servedDomains(store, row)]) owners.set(domain, row.name);
  }
  for (const { name, domains } of definitions) {
    for (const domain of domains) {
      const owner = owners.get(domain);
      if (owner !== undefined && owner !== name) throw taken(domain, name, owner);
      owners.set(domain, name);
    }
  }
}

/** Gives each domain to the app that declares it, and else to the app that still serves it. */
export function redistributeDomains(store: Store): void {
  const apps = new AppTable(store);
  const rows = apps.all();
  const declared = new Set(rows.flatMap((row) => row.definition.domains));
  for (const row of rows) apps.setDomains(row.name, []);
  for (const row of rows) {
    const served = servedDomains(store, row).filter((domain) => !declared.has(domain));
    apps.setDomains(row.name, [...row.definition.domains, ...served]);
  }
}

function servedDomains(store: Store, row: AppRow): string[] {
  if (row.liveRelease === null) return [];
  return new ReleaseTable(store).get(row.name, row.liveRelease)?.definition.domains ?? [];
}

function taken(domain: string, app: string, owner: string): SteppeError {
  return new SteppeError("DOMAIN_TAKEN", {
    operation: "give",
    subject: `the domain ${domain} to the app ${app}`,
    cause: `it belongs to the app ${owner}`,
    hint: `Remove it from ${owner} first, or give ${app} another domain.`,
  });
}
