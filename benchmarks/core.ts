import { cpuUsage } from "node:process";
import { AnswerCore } from "../src/site-server/test-support/answer-core.ts";
import { type DescribedSite, writeSite } from "../src/site-server/test-support/write-site.ts";
import { type BenchmarkOptions, median, type Report, round } from "./lib/report.ts";

const CALLS = 1_000_000;

const SITE: DescribedSite = {
  modified: 1_700_000_000,
  files: [
    { path: "index.html", body: "home" },
    { path: "404.html", body: "lost" },
    ...Array.from({ length: 1000 }, (_, i) => ({
      path: `docs/chapter-${i}/page.html`,
      body: "a page",
      forms: { br: "br", zstd: "zstd!", gzip: "gzip!!" },
    })),
  ],
};

const head = (target: string, ...fields: string[]): string =>
  `${[`GET ${target} HTTP/1.1`, "Host: 127.0.0.1:8080", ...fields].join("\r\n")}\r\n\r\n`;

const PAGE = "/docs/chapter-500/page.html";
const BROWSER = head(
  PAGE,
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Language: en-GB,en;q=0.9",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Referer: https://www.example.test/docs/chapter-499/page.html",
  "Connection: keep-alive",
  "Sec-Fetch-Dest: document",
  "Sec-Fetch-Mode: navigate",
);

const REQUESTS: Readonly<Record<string, string>> = {
  "47 bytes": head("/", "A: bc"),
  "a page of 1,000": head(PAGE),
  "a browser's, br": BROWSER,
  "a browser's, 304": BROWSER.replace("\r\n\r\n", "\r\nIf-None-Match: $ETAG\r\n\r\n"),
  "no such page": head("/docs/nothing/here.html"),
  "an escape": head("/docs/chapter%2D500/page.html"),
};

/** Nanoseconds of this process's CPU for each call, of the best of some rounds: what else the machine does is no part of it. */
function nanoseconds(call: () => void, rounds: number): number {
  const times: number[] = [];
  for (let round = 0; round < rounds + 1; round++) {
    const before = cpuUsage().user;
    for (let i = 0; i < CALLS; i++) call();
    // The first is the compiler's.
    if (round > 0) times.push(((cpuUsage().user - before) * 1000) / CALLS);
  }
  return median(times);
}

/** What the core itself costs, without sockets and files: called from JavaScript, one request after another. */
export async function run({ rounds }: BenchmarkOptions): Promise<Report[]> {
  const core = await AnswerCore.create();
  const { exports } = core;
  const site = core.load(writeSite(SITE).index);
  const rows = Object.entries(REQUESTS).map(([name, text]) => {
    core.parse(text.replace("If-None-Match", "X"));
    exports.respond(site, 0);
    const etag = /ETag: (.*)\r\n/.exec(core.readAnswer().head)?.[1] ?? "";
    const request = text.replace("$ETAG", etag);
    const at = exports.input();
    const end = at + request.length;
    if (core.parse(request) !== request.length) throw new Error(`the request is refused: ${request}`);
    const parse = nanoseconds(() => exports.parse(at, end), rounds);
    const respond = nanoseconds(() => exports.respond(site, 0), rounds);
    const { status } = core.readAnswer();
    return {
      request: name,
      bytes: request.length,
      status,
      "parse ns": round(parse, 0),
      "respond ns": round(respond, 0),
    };
  });
  const title = `The core alone, in Node: CPU of a call, medians of ${rounds} rounds of ${CALLS.toLocaleString("en")} calls.`;
  return [{ title, columns: ["request", "bytes", "status", "parse ns", "respond ns"], rows, targets: [] }];
}
