import type { SiteLookup, SiteView } from "../site-server/index.ts";
import { lookUpHost } from "./host-name.ts";
import type { SiteIndexes } from "./site-indexes.ts";
import type { CertificateEntry, Route, SiteRelease, Snapshot } from "./snapshot/index.ts";

/** A site that answers: its files, and the number of the release that they are of. */
export interface ServedSite extends SiteView {
  release: number;
}

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

  /**
   * What visitors of an app see, or undefined before its first release. Throws if the index cannot be read.
   *
   * @param pending the table that is about to take over: its new files are reachable already, since another process
   *   may have switched and sent a page that needs them
   */
  site(app: string, pending: ServingTable | undefined, now: number): ServedSite | undefined {
    const state = this.snapshot.sites.get(app);
    if (!state?.current) return undefined;
    const { current, grace } = state;
    const others = (): SiteLookup[] => {
      const next = pending?.snapshot.sites.get(app)?.current;
      const kept = grace.filter(({ until }) => until > now);
      return [...(next ? [next] : []), ...kept].map(({ index }) => this.#indexes.get(index));
    };
    return { release: current.release, current: this.#indexes.get(current.index), others };
  }

  /** A release that is placed or serves, as visitors would see it if it served. */
  probed(app: string, release: number): ServedSite | undefined {
    const state = this.snapshot.sites.get(app);
    const found = releasesOf(state?.current ?? null, state?.staged ?? []).find((one) => one.release === release);
    return found && { release, current: this.#indexes.get(found.index), others: () => [] };
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
