export { encodeSnapshot, isRouteHost } from "./parse-snapshot.ts";
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
} from "./snapshot.ts";
