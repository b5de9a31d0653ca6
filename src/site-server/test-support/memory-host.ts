import * as layout from "../core/layout.ts";
import { SiteIndexMaker } from "../site-index-maker.ts";
import type { AnswerCore } from "./answer-core.ts";
import { bytesOf, type DescribedBody, type DescribedSite, type WrittenSite, writeSite } from "./write-site.ts";

/** The smallest host that there can be: what it is sent it answers from memory, as the bytes that would go over the wire. */
export class MemoryHost {
  readonly #core: AnswerCore;
  readonly #bodies: Buffer;
  readonly handle: number;

  constructor(core: AnswerCore, { index, bodies }: WrittenSite) {
    this.#core = core;
    this.#bodies = bodies;
    this.handle = core.load(index);
  }

  /** Answers one request. */
  exchange(request: string): Buffer {
    const outcome = this.#core.parse(request);
    if (outcome === 0) throw new Error(`not a whole head: ${JSON.stringify(request)}`);
    if (outcome < 0) this.#core.exports.respondStatus(-outcome, layout.RESPOND_CLOSE);
    else this.#core.exports.respond(this.handle, 0);
    const { head, offset, bytes, source } = this.#core.readAnswer();
    if (bytes > 0 && source !== 0) throw new Error(`the site has no source ${source}`);
    return Buffer.concat([Buffer.from(head, "latin1"), this.#bodies.subarray(offset, offset + bytes)]);
  }
}

export const BUILDER = "an index of the builder";

/** The two ways to an index: the writer of these tests, which knows no rules, and the core's own builder. */
export const WAYS: Readonly<Record<string, (site: DescribedSite) => WrittenSite>> = {
  "an index written by hand": writeSite,
  [BUILDER]: buildSite,
};

/** The index of a site, as the core's own builder makes it. Its bodies lie in a source called `bodies`. */
export function buildSite(site: DescribedSite): WrittenSite {
  using maker = new SiteIndexMaker({
    ...(site.fallback === undefined ? {} : { fallback: site.fallback }),
    ...(site.errors === undefined ? {} : { errorPages: site.errors }),
    ...(site.headers === undefined ? {} : { headers: Buffer.from(site.headers) }),
    ...(site.redirects === undefined ? {} : { redirects: Buffer.from(site.redirects) }),
  });
  const bodies: Buffer[] = [];
  let offset = 0;
  const place = (body: DescribedBody) => {
    const bytes = bytesOf(body);
    bodies.push(bytes);
    offset += bytes.length;
    return { pack: "bodies", offset: offset - bytes.length, size: bytes.length };
  };
  for (const { path, body, forms = {} } of site.files) {
    const { br, zstd, gzip } = forms;
    maker.add({
      path,
      hash: Buffer.alloc(32, path),
      identity: place(body),
      ...(br === undefined ? {} : { br: place(br) }),
      ...(zstd === undefined ? {} : { zstd: place(zstd) }),
      ...(gzip === undefined ? {} : { gzip: place(gzip) }),
    });
  }
  return { index: maker.finish(site.modified).index, bodies: Buffer.concat(bodies) };
}
