import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as layout from "../../src/site-server/core/layout.ts";
import { SiteIndexMaker } from "../../src/site-server/site-index-maker.ts";
import { AnswerCore } from "../../src/site-server/test-support/answer-core.ts";
import { siteFolder } from "../../src/site-server/test-support/site-folder.ts";
import { fieldOf, readWireAnswer, vectorSite, type WireAnswer } from "../../src/site-server/test-support/vectors.ts";
import { bytesOf, type DescribedBody } from "../../src/site-server/test-support/write-site.ts";
import { nativeBinary, type NativeServer, startNative } from "../support/native-server.ts";
import { fuzzers } from "./fuzzers.ts";
import { corpusOf } from "./run-fuzzer.ts";
import { seedsOf } from "./seeds.ts";

/** An answer as both hosts must give it: without its time. */
interface Answer {
  status: number;
  fields: string[];
  body: string;
}

/** Every connection of the corpus and the seeds. */
function connections(): Buffer[] {
  const fuzzer = fuzzers.find(({ name }) => name === "request");
  if (fuzzer === undefined) throw new Error("there is no fuzzer of requests");
  const corpus = corpusOf(fuzzer);
  return [...seedsOf("request"), ...readdirSync(corpus).map((name) => readFileSync(join(corpus, name)))];
}

/** The core in this process, with the site of the vectors, its files named as the native host names them. */
class NodeHost {
  readonly #core: AnswerCore;
  readonly #site: number;
  readonly #bodies: Buffer;

  private constructor(core: AnswerCore, site: number, bodies: Buffer) {
    this.#core = core;
    this.#site = site;
    this.#bodies = bodies;
  }

  static async create(tags: ReadonlyMap<string, Buffer>): Promise<NodeHost> {
    const { files, modified, headers, redirects } = vectorSite();
    const bodies: Buffer[] = [];
    let offset = 0;
    const place = (body: DescribedBody) => {
      const bytes = bytesOf(body);
      bodies.push(bytes);
      offset += bytes.length;
      return { pack: "bodies", offset: offset - bytes.length, size: bytes.length };
    };
    using maker = new SiteIndexMaker({ headers: Buffer.from(headers ?? ""), redirects: Buffer.from(redirects ?? "") });
    for (const { path, body, forms = {} } of files) {
      const placed = Object.entries(forms).map(([form, content]) => [form, place(content)] as const);
      maker.add({
        path,
        hash: tags.get(path) ?? Buffer.alloc(16),
        identity: place(body),
        ...Object.fromEntries(placed),
      });
    }
    const core = await AnswerCore.create();
    core.exports.setTime(Date.now() / 1000);
    return new NodeHost(core, core.load(maker.finish(modified).index), Buffer.concat(bodies));
  }

  /** Answers the requests of a connection, as far as they are whole. */
  exchange(connection: Buffer): Buffer {
    const answers: Buffer[] = [];
    for (let at = 0; at < connection.length;) {
      const head = this.#core.parse(connection.subarray(at));
      if (head === 0) break;
      if (head < 0) this.#core.exports.respondStatus(-head, layout.RESPOND_CLOSE);
      else this.#core.exports.respond(this.#site, 0);
      const { head: text, offset, bytes, flags } = this.#core.readAnswer();
      answers.push(Buffer.from(text, "latin1"), this.#bodies.subarray(offset, offset + bytes));
      if ((flags & layout.ANSWER_CLOSE) !== 0) break;
      at += head;
    }
    return Buffer.concat(answers);
  }
}

/** The tags of the native host, by path: it names content in its own way. */
async function tagsOf(server: NativeServer): Promise<Map<string, Buffer>> {
  const tags = new Map<string, Buffer>();
  for (const { path } of vectorSite().files) {
    const target = path.split("/").map(encodeURIComponent).join("/");
    const request = `GET /${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    const tag = fieldOf(readWireAnswer(await server.exchange(request), false), "ETag");
    if (tag !== undefined) tags.set(path, Buffer.from(tag.slice(1, 23), "base64url"));
  }
  return tags;
}

/**
 * All answers of a connection. Whether one has a body is not always known without the request: what begins like an answer is the next.
 */
function answersIn(bytes: Buffer): Answer[] {
  const answers: Answer[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const answer = readWireAnswer(rest, isBodiless(rest));
    answers.push(comparable(answer));
    rest = answer.rest;
  }
  return answers;
}

function isBodiless(bytes: Buffer): boolean {
  const behind = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
  return behind.length === 0 || behind.subarray(0, 9).equals(Buffer.from("HTTP/1.1 "));
}

function comparable({ status, fields, body }: WireAnswer): Answer {
  const lines = fields.filter(([name]) => name !== "Date").map(([name, value]) => `${name}: ${value}`);
  return { status, fields: lines, body: body.toString("latin1") };
}

test("the native host and the core in Node answer alike", { timeout: 300_000 }, async (context) => {
  const binary = await nativeBinary(context);
  using folder = siteFolder(vectorSite());
  const flags = ["-health-url=", "-no-metrics", "-no-request-logging"];
  await using server = await startNative(binary, folder.path, { flags });
  const node = await NodeHost.create(await tagsOf(server));
  let answers = 0;
  for (const connection of connections()) {
    const expected = answersIn(node.exchange(connection));
    expect(answersIn(await server.exchange(connection)), JSON.stringify(connection.toString("latin1"))).toEqual(
      expected,
    );
    answers += expected.length;
  }
  expect(answers).toBeGreaterThan(200);
});
