export type { RequestHandler } from "./connection-context.ts";
export { type ConnectionLimits, defaultConnectionLimits } from "./connection-limits.ts";
export { CoreHost, type SiteHandle } from "./core-host.ts";
export { type BodyRange, FileBodies, type FileBodiesOptions } from "./file-bodies.ts";
export { FolderServer, type FolderServerOptions, type ServedRequest } from "./folder-server.ts";
export { type AnswerOutcome, FileSender, inPack } from "./file-sender.ts";
export type { HttpConnection } from "./http-connection.ts";
export { HttpListener, type HttpListenerOptions } from "./http-listener.ts";
export { KnownField, type RequestRecord } from "./request-record.ts";
export { secureContext } from "./secure-context.ts";
export {
  isSiteIndexOfThisVersion,
  readSiteIndexHead,
  SITE_HEADER,
  type SiteIndexHead,
  SITE_VERSION,
} from "./site-index-head.ts";
export {
  type FormPlace,
  type MadeSiteIndex,
  type SiteFileEntry,
  SiteIndexMaker,
  type SiteOptions,
} from "./site-index-maker.ts";
