import { SiteIndexMaker, type SiteOptions } from "../site-index-maker.ts";
import { AnswerCore } from "./answer-core.ts";

export interface RuleAnswer {
  status: number;
  /** Names in lower case. */
  fields: Record<string, string>;
  /** The path of the file that is sent, or undefined. */
  file: string | undefined;
}

/** A site of files of 100 bytes each, built with its rules and answered by the core: what `_headers` and `_redirects` do to requests. */
export class RuleSite {
  readonly problems: readonly string[];
  readonly #core: AnswerCore;
  readonly #site: number;

  private constructor(core: AnswerCore, site: number, problems: readonly string[]) {
    this.#core = core;
    this.#site = site;
    this.problems = problems;
  }

  static async create(
    rules: { headers?: string; redirects?: string },
    files: readonly string[] = ["index.html", "404.html", "docs/index.html", "a.css"],
    options: SiteOptions = {},
  ): Promise<RuleSite> {
    using maker = new SiteIndexMaker({
      ...options,
      headers: rules.headers === undefined ? undefined : Buffer.from(rules.headers),
      redirects: rules.redirects === undefined ? undefined : Buffer.from(rules.redirects),
    });
    for (const path of files)
      maker.add({ path, hash: Buffer.alloc(32, path), identity: { size: 100, pack: "1.pack" } });
    const { index, problems } = maker.finish(1_700_000_000);
    const core = await AnswerCore.create();
    return new RuleSite(core, core.load(index), problems);
  }

  ask(target: string, more = ""): RuleAnswer {
    const request = `GET ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
    if (this.#core.parse(request) !== Buffer.byteLength(request, "latin1")) throw new Error(`not parsed: ${target}`);
    this.#core.exports.respond(this.#site, 0);
    const { head, status, path, file } = this.#core.readAnswer();
    const lines = head.slice(0, head.indexOf("\r\n\r\n")).split("\r\n").slice(1);
    const fields: Record<string, string> = {};
    for (const line of lines) {
      const name = line.slice(0, line.indexOf(": ")).toLowerCase();
      const value = line.slice(line.indexOf(": ") + 2);
      fields[name] = fields[name] === undefined ? value : `${fields[name]}; AND ${value}`;
    }
    return { status, fields, file: file === 0 ? undefined : path };
  }

  /** `301 /where`, `200 file`, `404 404.html`. */
  brief(target: string): string {
    const { status, fields, file } = this.ask(target);
    return `${status} ${fields["location"] ?? file ?? "-"}`;
  }
}
