export { encodeSnapshot, isRouteHost } from "./parse-snapshot.ts";
// The form of a site index belongs to the site server; whoever hands sites to the ingress makes them in it.
export {
  isSiteIndexOfThisVersion,
  type MadeSiteIndex,
  readSiteIndexHead,
  SITE_HEADER,
  type SiteFileEntry,
  type SiteIndexHead,
  SiteIndexMaker,
  type SiteOptions,
} from "../../site-server/index.ts";
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
