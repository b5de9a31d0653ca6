/** The version of the form that a snapshot has on disk. */
export const SNAPSHOT_VERSION = 1;

/** A release of a site that is ready to be served. */
export interface SiteRelease {
  /** The release's number within the app. */
  release: number;
  /** The site index's file, relative to the folder of site indexes: `blog/12-9f3a51c0.site`. Never changed in place. */
  index: string;
}

/** A former release, of which the files with a hash in their names stay reachable. */
export interface GraceRelease extends SiteRelease {
  /** Milliseconds since 1970. */
  until: number;
}

export interface SiteState {
  /** What visitors see; null until the first release is routed. */
  current: SiteRelease | null;
  /** Placed, and not routed yet. */
  staged: SiteRelease[];
  /** The newest first. */
  grace: GraceRelease[];
}

/** Where to connect to: a Unix socket, or a loopback address. */
export type ProxyTarget = { socketPath: string } | { host: string; port: number };

/** Where a host's requests go. */
export type Route =
  | { kind: "site"; app: string; redirectToHttps: boolean }
  /** To control's API and git endpoint; what is below `/hooks/` to the listener for webhooks, if there is one. */
  | { kind: "control"; target: ProxyTarget; webhooks?: ProxyTarget; redirectToHttps: boolean };

export interface CertificateEntry {
  /** Host names, exact or `*.x`. */
  domains: string[];
  /**
   * A PEM file with key and chain, relative to the folder of certificates. Never changed in place: a renewed certificate is a new file,
   * so that a context that was made from the old one is not taken for the new.
   */
  file: string;
}

/** All that the ingress needs to know. Handed over whole, and kept on disk. */
export interface Snapshot {
  /** Grows by one with each change. */
  generation: number;
  /** By the app's name. */
  sites: Map<string, SiteState>;
  /** By host: exact (`blog.example.com`), `*.example.com` (one label), or `*` (any other). Lower case. */
  routes: Map<string, Route>;
  certificates: CertificateEntry[];
  /** The file of the certificate for names that no other is for, and for clients that name none. */
  defaultCertificate: string | null;
}

export function emptySnapshot(): Snapshot {
  return { generation: 0, sites: new Map(), routes: new Map(), certificates: [], defaultCertificate: null };
}

/** A copy that may be changed without changing the original. By hand: `structuredClone` takes milliseconds for a thousand sites. */
export function cloneSnapshot(snapshot: Snapshot): Snapshot {
  const copy = <Item extends object>(item: Item): Item => ({ ...item });
  return {
    ...snapshot,
    sites: new Map(
      snapshot.sites
        .entries()
        .map(([app, { current, staged, grace }]) => [
          app,
          { current: current && copy(current), staged: staged.map(copy), grace: grace.map(copy) },
        ]),
    ),
    routes: new Map(snapshot.routes.entries().map(([host, route]) => [host, copy(route)])),
    certificates: snapshot.certificates.map(({ domains, file }) => ({ domains: [...domains], file })),
  };
}
