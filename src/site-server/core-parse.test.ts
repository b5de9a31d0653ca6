import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import * as layout from "./core/layout.ts";
import { AnswerCore } from "./test-support/answer-core.ts";
import { referenceParse } from "./test-support/reference-parse.ts";

let core: AnswerCore;
beforeAll(async () => {
  core = await AnswerCore.create();
}, 120_000);

const REST = "Host: a.test\r\n\r\n";
const head = (line: string, ...fields: string[]): string => `${[line, "Host: a.test", ...fields].join("\r\n")}\r\n\r\n`;
const get = (...fields: string[]): string => head("GET / HTTP/1.1", ...fields);

describe("heads", () => {
  test("a head is read into the record, and what follows it is left", () => {
    const text = head("GET /a?b HTTP/1.1", "Accept-Encoding:\tgzip \t", "X-One: 1", "x-TWO:", "User-Agent: A b");
    expect(core.parse(`${text}GET /next`)).toBe(text.length);
    expect(core.readRequest()).toEqual({
      target: "/a?b",
      method: layout.METHOD_GET,
      methodName: "GET",
      minor: 1,
      flags: layout.REQUEST_KEEP_ALIVE,
      repeated: 0,
      contentLength: 0,
      known: {
        [layout.FIELD_HOST]: "a.test",
        [layout.FIELD_ACCEPT_ENCODING]: "gzip",
        [layout.FIELD_USER_AGENT]: "A b",
      },
      fields: [
        ["Host", "a.test"],
        ["Accept-Encoding", "gzip"],
        ["X-One", "1"],
        ["x-TWO", ""],
        ["User-Agent", "A b"],
      ],
    });
  });

  test.each<[string, number]>([
    ["Host", layout.FIELD_HOST],
    ["Accept-Encoding", layout.FIELD_ACCEPT_ENCODING],
    ["If-None-Match", layout.FIELD_IF_NONE_MATCH],
    ["If-Modified-Since", layout.FIELD_IF_MODIFIED_SINCE],
    ["If-Range", layout.FIELD_IF_RANGE],
    ["Range", layout.FIELD_RANGE],
    ["Connection", layout.FIELD_CONNECTION],
    ["Referer", layout.FIELD_REFERER],
    ["User-Agent", layout.FIELD_USER_AGENT],
    ["X-Forwarded-For", layout.FIELD_X_FORWARDED_FOR],
  ])("%s is known in letters of either case, and nothing that resembles it", (name, number) => {
    const known = (written: string): string | undefined => {
      const text = `GET / HTTP/1.0\r\n${written}: v\r\n\r\n`;
      expect(core.parse(text)).toBe(text.length);
      return core.readRequest().known[number];
    };
    for (const written of [name, name.toLowerCase(), name.toUpperCase()]) expect(known(written)).toBe("v");
    for (let i = 0; i < name.length; i++) {
      for (const other of ["x", "_", "-", "~"]) {
        if (other !== name[i]!.toLowerCase()) {
          expect(known(name.slice(0, i) + other + name.slice(i + 1))).toBeUndefined();
        }
      }
    }
  });

  test("fields that came more than once are marked, and the first is known", () => {
    core.parse(get("X-Forwarded-For: a", "Range: bytes=0-1", "x-forwarded-for: b", "range: bytes=2-3"));
    const { known, repeated } = core.readRequest();
    expect(known[layout.FIELD_X_FORWARDED_FOR]).toBe("a");
    expect(repeated).toBe((1 << layout.FIELD_X_FORWARDED_FOR) | (1 << layout.FIELD_RANGE));
  });

  test.each<[string, number]>([
    ["GET / HTTP/1.1\nHost: a.test\n\n", 400],
    [`GET / HTTP/1.1\r\nHost: a.test\n\r\n`, 400],
    [`GET / HTTP/1.1\r\nA: b\rc\r\n${REST}`, 400],
    [`\n${get()}`, 400],
    [`\r\n\r\n${get()}`, 400],
    [` ${get()}`, 400],
    [`GET  / HTTP/1.1\r\n${REST}`, 400],
    [`GET / HTTP/1.1 \r\n${REST}`, 400],
    [`GET /\r\n${REST}`, 400],
    [`GET\t/ HTTP/1.1\r\n${REST}`, 400],
    [`G(T / HTTP/1.1\r\n${REST}`, 400],
    [`GET /a b HTTP/1.1\r\n${REST}`, 400],
    [`GET /\x7f HTTP/1.1\r\n${REST}`, 400],
    [`GET /\xfc HTTP/1.1\r\n${REST}`, 400],
    [`GET /\0 HTTP/1.1\r\n${REST}`, 400],
    [`GET a HTTP/1.1\r\n${REST}`, 400],
    [`GET * HTTP/1.1\r\n${REST}`, 400],
    [`GET ftp://a.test/ HTTP/1.1\r\n${REST}`, 400],
    [`GET http:///a HTTP/1.1\r\n${REST}`, 400],
    [`GET http://u@a.test/ HTTP/1.1\r\n${REST}`, 400],
    [`GET / http/1.1\r\n${REST}`, 400],
    [`GET / HTTP/1.10\r\n${REST}`, 400],
    [`GET / HTTP/1,1\r\n${REST}`, 400],
    [`GET / HTTP/2.0\r\n${REST}`, 505],
    [`GET / HTTP/0.9\r\n${REST}`, 505],
    [`CONNECT a.test:443 HTTP/1.1\r\n${REST}`, 501],
    [`${"M".repeat(33)} / HTTP/1.1\r\n${REST}`, 501],
    ["GET / HTTP/1.1\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400],
    ["GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400],
    [get("A : b"), 400],
    [get(" A: b"), 400],
    [get("A: b", " c"), 400],
    [get("A: b", "\tc"), 400],
    [get(": b"), 400],
    [get("A"), 400],
    [get("A(: b"), 400],
    [get("A: \0"), 400],
    [get("A: \x1b"), 400],
    [get("A: \x7f"), 400],
    [get("\xc4: b"), 400],
    [get("Content-Length: "), 400],
    [get("Content-Length: +5"), 400],
    [get("Content-Length: 0x5"), 400],
    [get("Content-Length: 5, 5"), 400],
    [get("Content-Length: 5", "Content-Length: 5"), 400],
    [get("Content-Length: 5", "Transfer-Encoding: chunked"), 400],
    [get("Transfer-Encoding: chunked", "Content-Length: 5"), 400],
    [get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400],
    ["GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400],
    [get("Transfer-Encoding: gzip, chunked"), 501],
    [get("Transfer-Encoding: identity"), 501],
    [get("Transfer-Encoding: "), 501],
    [get("Content-Length: 99999999999999999999"), 413],
    [get("Expect: a-miracle"), 417],
  ])("%j is refused with %d", (text, status) => {
    expect(core.parse(text)).toBe(-status);
  });

  test.each<string>([
    get(),
    `\r\n${get()}`,
    "GET / HTTP/1.0\r\n\r\n",
    head("GET /a?b#c HTTP/1.1"),
    head('GET /|{}^`\\"<> HTTP/1.1'),
    head("FOO / HTTP/1.1"),
    head("GET / HTTP/1.9"),
    "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a_b.test:8080\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a%20b\r\n\r\n",
    get("A: \xfc\t\xff"),
    get("A:b"),
    get("Content-Length: 0000000000000000000000005"),
    get("Transfer-Encoding: CHUNKED"),
  ])("%j is taken", (text) => {
    expect(core.parse(text)).toBe(text.length);
  });

  test.each<[string, string, string]>([
    ["http://b.test/c?d", "/c?d", "b.test"],
    ["HTTPS://b.test:8443", "/", "b.test:8443"],
    ["http://b.test?d=1", "/?d=1", "b.test"],
  ])("the authority of %s stands above Host", (target, path, host) => {
    core.parse(head(`GET ${target} HTTP/1.1`));
    const request = core.readRequest();
    expect(request.target).toBe(path);
    expect(request.known[layout.FIELD_HOST]).toBe(host);
  });

  test("OPTIONS may ask of the server as a whole", () => {
    expect(core.parse(head("OPTIONS * HTTP/1.1"))).toBeGreaterThan(0);
    expect(core.readRequest()).toMatchObject({ target: "*", method: layout.METHOD_OTHER, methodName: "OPTIONS" });
  });

  test.each<[string, string[], boolean]>([
    ["1.1", [], true],
    ["1.1", ["Connection: close"], false],
    ["1.1", ["Connection: foo ,, CLOSE"], false],
    ["1.1", ["Connection: keep-alive", "Connection: close"], false],
    ["1.1", ["Connection: closed"], true],
    ["1.0", [], false],
    ["1.0", ["Connection: Keep-Alive"], true],
    ["1.0", ["Connection: keep-alive, close"], false],
  ])("HTTP/%s with %j keeps the connection: %s", (version, fields, kept) => {
    core.parse(head(`GET / HTTP/${version}`, ...fields));
    expect((core.readRequest().flags & layout.REQUEST_KEEP_ALIVE) !== 0).toBe(kept);
  });

  test("bodies, upgrades and expectations", () => {
    const flags = (...fields: string[]): number => {
      expect(core.parse(get(...fields))).toBeGreaterThan(0);
      return core.readRequest().flags & ~layout.REQUEST_KEEP_ALIVE;
    };
    expect(flags("Content-Length: 12")).toBe(layout.REQUEST_HAS_LENGTH);
    expect(core.readRequest().contentLength).toBe(12);
    expect(flags("Transfer-Encoding: chunked")).toBe(layout.REQUEST_CHUNKED);
    expect(flags("Expect: 100-Continue", "Transfer-Encoding: chunked") & layout.REQUEST_EXPECTS_CONTINUE).not.toBe(0);
    expect(flags("Expect: 100-continue")).toBe(0);
    expect(flags("Connection: upgrade", "Upgrade: websocket")).toBe(layout.REQUEST_UPGRADE);
    expect(flags("Upgrade: websocket")).toBe(0);
    expect(flags("Connection: upgrade")).toBe(0);
  });
});

describe("limits", () => {
  test("of the target, of the fields, of the whole, as soon as they are exceeded", () => {
    const { TARGET_LIMIT, FIELD_LIMIT, HEAD_LIMIT } = layout;
    const target = (length: number): string => `GET /${"a".repeat(length - 1)}`;
    expect(core.parse(`${target(TARGET_LIMIT)} HTTP/1.1\r\n${REST}`)).toBeGreaterThan(0);
    expect(core.parse(target(TARGET_LIMIT))).toBe(0);
    expect(core.parse(target(TARGET_LIMIT + 1))).toBe(-414);
    const fields = Array.from({ length: FIELD_LIMIT - 1 }, (_, i) => `A${i}: b`);
    expect(core.parse(get(...fields))).toBeGreaterThan(0);
    expect(core.parse(get(...fields, "B: c"))).toBe(-431);
    expect(core.parse(`${get(...fields).slice(0, -2)}B`)).toBe(-431);
    const most = get(`A: ${"b".repeat(HEAD_LIMIT - get("A: ").length)}`);
    expect(core.parse(most)).toBe(HEAD_LIMIT);
    expect(core.parse(most.slice(0, -1))).toBe(0);
    expect(core.parse(most.replace("b", "bb"))).toBe(-431);
    expect(core.parse(most.replace("b", "bb").slice(0, HEAD_LIMIT))).toBe(-431);
  });
});

/** Texts that are nearly heads: pieces that matter, put together. */
const piece = fc.constantFrom(
  ..."GET |HEAD |POST |OPTIONS |/|*|http://b.test|/a?b| HTTP/1.1\r\n| HTTP/1.0\r\n| HTTP/2.0\r\n|Host: a\r\n|\r\n|\r|\n| |\t".split(
    "|",
  ),
  ..."A: b\r\n|A : b\r\n|A:\r\n| c\r\n|Content-Length: 5\r\n|Content-Length: x\r\n|Transfer-Encoding: chunked\r\n".split(
    "|",
  ),
  ..."Connection: close\r\n|Connection: a, keep-alive\r\n|Expect: 100-continue\r\n|Expect: x\r\n|Host: a b\r\n|\0|\x7f|\xff|:|\r\n\r\n".split(
    "|",
  ),
);
const almostHead = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
  fc
    .tuple(
      fc.constantFrom("GET", "HEAD", "PUT"),
      fc.constantFrom("/", "/a b", "*", "http://b.test/x"),
      fc.array(piece, { maxLength: 6 }),
    )
    .map(([method, target, pieces]) => `${method} ${target} HTTP/1.1\r\nHost: a\r\n${pieces.join("")}\r\n`),
  fc.tuple(fc.nat(60), fc.integer({ min: 0, max: 255 })).map(([at, byte]) => {
    const text = head("GET /x HTTP/1.1", "Content-Length: 5", "A: b");
    return text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + 1);
  }),
);

describe("any bytes", () => {
  test("what is read is what the plain reading of the RFC reads", () => {
    fc.assert(
      fc.property(almostHead, (text) => {
        const expected = referenceParse(text);
        const outcome = core.parse(text);
        // Without its end a head is refused only if it could not be taken whatever came, which the reference does not judge.
        if (expected === 0) expect(outcome).toBeLessThanOrEqual(0);
        else if (typeof expected === "number") expect(outcome).toBe(-expected);
        if (typeof expected === "number") return;
        expect(outcome).toBe(expected.length);
        const request = core.readRequest();
        expect(request).toMatchObject({ methodName: expected.method, target: expected.target, minor: expected.minor });
        expect(request.fields).toEqual(expected.fields);
        expect(request.known[layout.FIELD_HOST]).toBe(expected.host);
        const has = (flag: number): boolean => (request.flags & flag) !== 0;
        expect(has(layout.REQUEST_KEEP_ALIVE)).toBe(expected.keepAlive);
        expect(has(layout.REQUEST_CHUNKED)).toBe(expected.chunked);
        expect(has(layout.REQUEST_HAS_LENGTH) ? request.contentLength : undefined).toBe(expected.contentLength);
      }),
      { numRuns: 3000 },
    );
  });

  test("a head that comes in parts is judged as the whole is, and no sooner than is certain", () => {
    fc.assert(
      fc.property(almostHead, (text) => {
        const whole = core.parse(text);
        for (let length = 0; length < text.length; length++) {
          const part = core.parse(text.slice(0, length));
          if (part !== 0) expect(part).toBe(whole);
          if (part > 0) expect(part).toBeLessThanOrEqual(length);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("no more is claimed than there is, and every text of the record lies in what came", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          almostHead.map((text) => Buffer.from(text, "latin1")),
        ),
        (bytes) => {
          // What came before in the same memory must not be seen.
          core.memory.fill("\r\n\r\n", core.exports.input(), core.exports.input() + 400);
          const outcome = core.parse(bytes);
          expect(outcome).toBeLessThanOrEqual(bytes.length);
          if (outcome <= 0) return;
          const text = Buffer.from(bytes.subarray(0, outcome)).toString("latin1");
          expect(text.endsWith("\r\n\r\n")).toBe(true);
          for (const [name, value] of core.readRequest().fields) {
            expect(text).toContain(name);
            expect(text).toContain(value);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
