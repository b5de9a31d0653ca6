import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { SITE_AT_RULES } from "./core/layout.ts";
import { SiteIndexMaker } from "./site-index-maker.ts";
import { AnswerCore } from "./test-support/answer-core.ts";

const HEADERS =
  "/*\n X-A: b\n Vary: Origin\n/a/:n/*\n ! X-A\n X-B: <:n>:splat\n/*/x/*.css\n Set-Cookie: a\n Set-Cookie: b\n";
const REDIRECTS =
  "/a /b\n/c/* /d/:splat 302!\n/e/:x/:y.html https://example.com/:x?y=:y#z\n/q id=:id k=v f /t/:id\n/r/* /index.html 200\n/g/*/h /404.html 410\n";
const TARGETS = [
  "/",
  "/a",
  "/a/b/c?id=7",
  "/c/d/e",
  "/e/f/g.html",
  "/q?id=%41%42&k=v&f",
  "/r/x",
  "/g/1/h",
  "/z/x/y.css",
];

/** Lies behind the index. */
const SECRET = Buffer.from("SECRET".repeat(2000));

let core: AnswerCore;
let index: Buffer;

beforeAll(async () => {
  core = await AnswerCore.create();
  using maker = new SiteIndexMaker({ headers: Buffer.from(HEADERS), redirects: Buffer.from(REDIRECTS) });
  for (const path of ["index.html", "404.html"]) {
    maker.add({ path, hash: Buffer.alloc(32), identity: { size: 100, pack: "1.pack" } });
  }
  index = maker.finish(0).index;
});

/** Whether the core takes the index for sound. If it does, every target is answered by a whole head. */
function isTaken(bytes: Buffer): boolean {
  const site = core.exports.siteRoom(bytes.length);
  core.memory.set(bytes, site);
  const behind = core.exports.siteRoom(SECRET.length);
  core.memory.set(SECRET, behind);
  try {
    if (core.exports.siteCheck(site, bytes.length) !== 1) return false;
    for (const target of TARGETS) {
      core.parse(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      core.exports.respond(site, 0);
      const { status, head } = core.readAnswer();
      expect(status).toBeGreaterThanOrEqual(200);
      const [, date, ...lines] = head.slice(0, head.indexOf("\r\n\r\n")).split("\r\n");
      expect(date).toMatch(/^Date: /);
      expect(lines.filter((line) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:/.test(line))).toEqual([]);
      expect(head).not.toContain("SECRET");
    }
    return true;
  } finally {
    core.exports.siteFree(behind);
    core.exports.siteFree(site);
  }
}

describe("rules that are damaged are refused, or harm nothing", () => {
  test("as they were made, they are taken", () => {
    expect(isTaken(index)).toBe(true);
  });

  test("each byte, changed in each bit", () => {
    const length = index.readUInt32LE(SITE_AT_RULES);
    const start = index.readUInt32LE(SITE_AT_RULES + 4);
    let refused = 0;
    for (let at = start; at < start + length; at++) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const damaged = Buffer.from(index);
        damaged[at] = (damaged[at] ?? 0) ^ bit;
        if (!isTaken(damaged)) refused++;
      }
    }
    expect(refused).toBeGreaterThan(length);
  });

  test("many bytes", () => {
    const length = index.readUInt32LE(SITE_AT_RULES);
    const start = index.readUInt32LE(SITE_AT_RULES + 4);
    const change = fc.tuple(fc.nat(length - 1), fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 15, 16, 255), fc.nat(255)));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const damaged = Buffer.from(index);
        for (const [at, value] of changes) damaged[start + at] = value;
        isTaken(damaged);
      }),
      { numRuns: 3000 },
    );
  });

  test("cut off anywhere", () => {
    const length = index.readUInt32LE(SITE_AT_RULES);
    for (let bytes = 1; bytes < length; bytes++) {
      const damaged = Buffer.from(index);
      damaged.writeUInt32LE(bytes, SITE_AT_RULES);
      expect(isTaken(damaged), `${bytes} bytes`).toBe(false);
    }
  });
});
