import { crc32 } from "node:zlib";
import { BuildModule } from "./build-module.ts";
import * as layout from "./core/layout.ts";

/** Where the bytes of a form of a file lie. Without `pack` they are a file of their own, at the file's path (see SOURCE_OWN). */
export interface FormPlace {
  /** Bytes. */
  readonly size: number;
  readonly pack?: string;
  /** Bytes; 0 if it is left out. */
  readonly offset?: number;
}

/** A file of a site. */
export interface SiteFileEntry {
  /** Relative, `/` between names. UTF-8 of at most 8,191 bytes. */
  readonly path: string;
  /** SHA-256 of the content: its first 16 bytes become the tag. To be given for every file, or for none. */
  readonly hash?: Uint8Array;
  /** Seconds since 1970; for sites without one time for all files. */
  readonly modifiedAt?: number;
  readonly identity: FormPlace;
  readonly br?: FormPlace | undefined;
  readonly zstd?: FormPlace | undefined;
  readonly gzip?: FormPlace | undefined;
}

/** How a site is served. Paths are relative to the site. */
export interface SiteOptions {
  /** The file that answers for its folder; "" for none. Default `index.html`. */
  readonly indexFile?: string;
  /** The page for paths that do not exist, used if the site has it. Default `404.html`. */
  readonly notFoundPage?: string;
  /** Answers every path that does not exist and whose last name has no dot, with 200. Default none. */
  readonly fallback?: string;
  /** Pages for other statuses. */
  readonly errorPages?: Readonly<Record<number, string>>;
  /** Whether `/about` is answered with `about.html`. Default false. */
  readonly cleanUrls?: boolean;
  /** Whether files whose names begin with a dot are served. Default false. */
  readonly serveHidden?: boolean;
  /** `Cache-Control` of what may change under its name. Default `no-cache`. */
  readonly cacheControl?: string;
  /** `Cache-Control` of files whose names carry a hash. Default `public, max-age=31536000, immutable`. */
  readonly cacheControlImmutable?: string;
  /** The text of the site's `_headers`. */
  readonly headers?: Uint8Array | undefined;
  /** The text of the site's `_redirects`. */
  readonly redirects?: Uint8Array | undefined;
  /** Whether every file comes with its hash. Default true. */
  readonly tagged?: boolean;
}

export interface MadeSiteIndex {
  /** With its check sum in it. */
  readonly index: Buffer;
  /** A line for each thing in `_headers`, `_redirects` or the options that was not understood and passed over: `_headers:12: …`. */
  readonly problems: readonly string[];
}

/** An encoding's name in an entry, and the number of its form. */
const ENCODINGS = [
  ["br", layout.FORM_BR],
  ["zstd", layout.FORM_ZSTD],
  ["gzip", layout.FORM_GZIP],
] as const;

/** Makes one site index, file by file, so that others may run in between. To be disposed of: its memory is as large as the index and more. */
export class SiteIndexMaker implements Disposable {
  #module: BuildModule | undefined;
  readonly #tagged: boolean;
  readonly #sources = new Map<string, number>();

  /** @throws SteppeError INTERNAL if the core is missing or there is no memory for it */
  constructor(options: SiteOptions = {}) {
    this.#tagged = options.tagged ?? true;
    const module = new BuildModule();
    this.#module = module;
    module.exports.start(
      (options.cleanUrls === true ? layout.BUILD_CLEAN_URLS : 0) |
        (options.serveHidden === true ? layout.BUILD_HIDDEN : 0) |
        (this.#tagged ? layout.BUILD_TAGS : 0),
    );
    module.setOption(layout.OPTION_INDEX, options.indexFile);
    module.setOption(layout.OPTION_NOT_FOUND, options.notFoundPage);
    module.setOption(layout.OPTION_FALLBACK, options.fallback);
    module.setOption(layout.OPTION_CACHE, options.cacheControl);
    module.setOption(layout.OPTION_CACHE_IMMUTABLE, options.cacheControlImmutable);
    for (const [status, page] of Object.entries(options.errorPages ?? {})) {
      module.exports.setErrorPage(Number(status), module.putText(page));
    }
    if (options.headers !== undefined) module.exports.readHeaders(module.putBytes(options.headers));
    if (options.redirects !== undefined) module.exports.readRedirects(module.putBytes(options.redirects));
  }

  /**
   * Takes a file up. Returns false if visitors may not see it (hidden, `_headers`, `_redirects`, no path that a request can name).
   *
   * @throws Error if the path came before; SteppeError INTERNAL if there is no memory
   */
  add(entry: SiteFileEntry): boolean {
    const module = this.#open();
    const { identity } = entry;
    const source = this.#sourceOf(identity);
    const pathLength = module.putText(entry.path, layout.FILE_TAG_LENGTH);
    if (this.#tagged) module.putTag(pathLength, tagOf(entry));
    const { exports } = module;
    const added = exports.addFile(pathLength, identity.size, entry.modifiedAt ?? 0, source, identity.offset ?? 0);
    if (added === -1) return false;
    if (added === -2) throw new Error(`the path ${entry.path} comes twice`);
    if (added < 0) throw module.outOfMemory();
    for (const [name, form] of ENCODINGS) {
      const place = entry[name];
      // Its name is put where the next path goes: nothing of this file is there any more.
      if (place !== undefined) exports.addForm(form, place.size, this.#sourceOf(place), place.offset ?? 0);
    }
    return true;
  }

  /**
   * Ends it; nothing can be added afterwards.
   *
   * @param modifiedAt seconds since 1970: what `Last-Modified` says of every file; 0 if each has its own
   * @throws SteppeError INTERNAL if there is no memory
   */
  finish(modifiedAt: number): MadeSiteIndex {
    const module = this.#open();
    const at = module.exports.finish(modifiedAt);
    if (at === 0) throw module.outOfMemory();
    const { memory } = module;
    const index = Buffer.from(memory.subarray(at, at + memory.readUInt32LE(at + layout.SITE_AT_LENGTH)));
    index.writeUInt32LE(crc32(index.subarray(layout.SITE_AT_VERSION)), layout.SITE_AT_CRC);
    const problems = module.readProblems();
    this[Symbol.dispose]();
    return { index, problems };
  }

  [Symbol.dispose](): void {
    this.#module = undefined;
  }

  #open(): BuildModule {
    if (this.#module === undefined) throw new Error("this site index is finished");
    return this.#module;
  }

  #sourceOf(place: FormPlace): number {
    if (place.pack === undefined) return layout.SOURCE_OWN;
    let source = this.#sources.get(place.pack);
    if (source === undefined) {
      const module = this.#open();
      source = module.exports.addSource(module.putText(place.pack));
      this.#sources.set(place.pack, source);
    }
    return source;
  }
}

function tagOf({ path, hash }: SiteFileEntry): string {
  if (hash === undefined || hash.length < 16) throw new Error(`${path} comes without its hash`);
  return Buffer.from(hash.buffer, hash.byteOffset, 16).toString("base64url");
}
