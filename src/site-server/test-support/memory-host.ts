import * as layout from "../core/layout.ts";
import type { AnswerCore } from "./answer-core.ts";
import { type WrittenSite, writeSite, type DescribedSite } from "./write-site.ts";

/** The smallest host that there can be: what it is sent it answers from memory, as the bytes that would go over the wire. */
export class MemoryHost {
  readonly #core: AnswerCore;
  readonly #site: WrittenSite;
  readonly handle: number;

  constructor(core: AnswerCore, site: DescribedSite) {
    this.#core = core;
    this.#site = writeSite(site);
    this.handle = core.load(this.#site.index);
  }

  /** Answers one request. */
  exchange(request: string): Buffer {
    const outcome = this.#core.parse(request);
    if (outcome === 0) throw new Error(`not a whole head: ${JSON.stringify(request)}`);
    if (outcome < 0) this.#core.exports.respondStatus(-outcome, layout.RESPOND_CLOSE);
    else this.#core.exports.respond(this.handle, 0);
    const { head, offset, bytes, source } = this.#core.readAnswer();
    if (bytes > 0 && source !== 0) throw new Error(`the site has no source ${source}`);
    return Buffer.concat([Buffer.from(head, "latin1"), this.#site.bodies.subarray(offset, offset + bytes)]);
  }
}
