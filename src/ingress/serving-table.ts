import { lookUpHost } from "./host-name.ts";
import type { SiteIndexes } from "./site-indexes.ts";
import type { CertificateEntry, Route, SiteRelease, Snapshot } from "./snapshot/index.ts";

/** A snapshot, ready to answer from. Switching to another one is one assignment. */
export class ServingTable {
  readonly snapshot: Snapshot;
  readonly #indexes: SiteIndexes;
  readonly #certificates: Map<string, string>;

  constructor(snapshot: Snapshot, indexes: SiteIndexes) {
    this.snapshot = snapshot;
    this.#indexes = indexes;
    this.#certificates = new Map(snapshot.certificates.flatMap(namesOf));
  }

  route(host: string): Route | undefined {
    return lookUpHost(this.snapshot.routes, host);
  }

  /** The certificate's file for a name, or undefined: then the default is for it. */
  certificate(host: string): string | undefined {
    return lookUpHost(this.#certificates, host);
  }

  /** The release that visitors of an app see, or undefined before its first. */
  current(app: string): SiteRelease | undefined {
    return this.snapshot.sites.get(app)?.current ?? undefined;
  }

  /**
   * The other releases of an app of which files with a hash in their names are reachable, the newest first.
   *
   * @param pending the table that is about to take over: its new files are reachable already, since another process
   *   may have switched and sent a page that needs them
   * @param now milliseconds since 1970
   */
  others(app: string, pending: ServingTable | undefined, now: number): readonly SiteRelease[] {
    const next = pending?.current(app);
    const kept = this.snapshot.sites.get(app)?.grace.filter(({ until }) => until > now) ?? [];
    return next === undefined ? kept : [next, ...kept];
  }

  /** A release that is placed or serves. */
  probed(app: string, release: number): SiteRelease | undefined {
    const state = this.snapshot.sites.get(app);
    return releasesOf(state?.current ?? null, state?.staged ?? []).find((one) => one.release === release);
  }

  /** Every index file that is referred to. */
  files(): Set<string> {
    const files = new Set<string>();
    for (const { current, staged, grace } of this.snapshot.sites.values()) {
      for (const { index } of [...releasesOf(current, staged), ...grace]) files.add(index);
    }
    return files;
  }

  /** Reads the indexes that this table has and another has not, so that a damaged one is found before anyone switches. */
  loadNew(before: ServingTable): void {
    const known = before.files();
    for (const file of this.files()) if (!known.has(file)) this.#indexes.get(file);
  }
}

/** The staged first: after a refresh they are the newer. */
function releasesOf(current: SiteRelease | null, staged: readonly SiteRelease[]): SiteRelease[] {
  return current === null ? [...staged] : [...staged, current];
}

function namesOf({ domains, file }: CertificateEntry): Array<[string, string]> {
  return domains.map((domain) => [domain, file]);
}
