/** Bytes within a pack: an immutable file in the folder of packs. */
export interface PackRange {
  /** The pack's file name. */
  pack: string;
  offset: number;
  /** Bytes. */
  size: number;
}

/** One file of a site, as the index of the site tells it. */
export interface SiteFile {
  /** The whole value of `Content-Type`. */
  mediaType: string;
  /** Names the content: the same tag means the same bytes. Without quotes; the forms add a suffix to it. */
  tag: string;
  /** The name carries a hash of the content beyond doubt: caches may keep it for a year. */
  immutable: boolean;
  /** The name seems to carry a hash: it stays reachable for a while after a newer release took over. */
  keptInGrace: boolean;
  identity: PackRange;
  br: PackRange | undefined;
  zstd: PackRange | undefined;
  gzip: PackRange | undefined;
}

/** What an answerer reads of a release of a site. Stated here, by its user. */
export interface SiteLookup {
  /** The file of a path (bytes of `docs/index.html`, without a leading slash), or undefined. */
  find(path: Uint8Array): SiteFile | undefined;
  /** The page for paths that do not exist, if the site has one. */
  readonly notFoundPage: SiteFile | undefined;
  /** For `Last-Modified`: seconds since 1970, different for each release of an app. */
  readonly modifiedAt: number;
}

/** What visitors of a host see. */
export interface SiteView {
  readonly current: SiteLookup;
  /** Other releases whose `keptInGrace` files are reachable, the newest first. Asked only when `current` has no such path. */
  others(): readonly SiteLookup[];
}

/** A request as it came: nothing decoded, nothing checked but what the HTTP parser checks. */
export interface FileRequest {
  method: string;
  /** In origin form: `/docs/?q=1`. */
  target: string;
  /** Names in lower case, as `IncomingMessage.headers` has them. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Milliseconds since 1970. */
  now: number;
}

export type AnswerBody = { kind: "none" } | { kind: "bytes"; bytes: Uint8Array } | { kind: "pack"; range: PackRange };

export interface FileAnswer {
  status: number;
  /** All that are to be sent, `Content-Length` among them, except those of the connection (`Date`, `Connection`). */
  headers: Record<string, string | number>;
  /** `none` for HEAD, 304 and redirects. */
  body: AnswerBody;
}

/**
 * Answers requests for files: a pure function of the request and the site. Whoever implements it does no input or
 * output, so that the same core runs in Node and as a program of its own.
 */
export interface FileAnswerer {
  answer(request: FileRequest, site: SiteView): FileAnswer;
}
