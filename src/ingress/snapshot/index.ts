export { hashNamed } from "./hash-named.ts";
export { encodeSnapshot, isRouteHost, parseSnapshot } from "./parse-snapshot.ts";
export { isServed } from "./served-path.ts";
export { buildSiteIndex, SiteIndexBuilder, type SiteIndexEntry, type SiteIndexOptions } from "./site-index-builder.ts";
export { SiteIndex } from "./site-index.ts";
export { type LoadedSnapshot, SnapshotFiles } from "./snapshot-files.ts";
export type { ProbeAnswer, ProbeRequest, SnapshotPublisher } from "./snapshot-publisher.ts";
export {
  type CertificateEntry,
  cloneSnapshot,
  emptySnapshot,
  type GraceRelease,
  type ProxyTarget,
  type Route,
  type SiteRelease,
  type SiteState,
  type Snapshot,
  SNAPSHOT_VERSION,
} from "./snapshot.ts";
