import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseContentRange, parseNextLink, parseRateLimit, parseUploadRange } from "./header-fields.ts";

describe("Link", () => {
  test.for([
    [undefined, undefined],
    ["", undefined],
    ['</v2/r/tags/list?last=b&n=2>; rel="next"', "/v2/r/tags/list?last=b&n=2"],
    ["</a>;rel=next", "/a"],
    ['</a>; rel="prev", </b>; title="x, y"; rel="last NEXT"', "/b"],
    ['</a>; rel="prev"', undefined],
    ["</a>; norel=next", undefined],
    ["/a; rel=next", undefined],
  ] as const)("%s leads to %s", ([field, next]) => {
    expect(parseNextLink(field)).toBe(next);
  });

  test("any list with a next one leads there", () => {
    const target = fc.webPath({ size: "small" });
    fc.assert(
      fc.property(fc.array(target), target, fc.array(target), (before, wanted, after) => {
        const link = (path: string, relation: string): string => `<${path}>; rel="${relation}"`;
        const field = [
          ...before.map((path) => link(path, "prev")),
          link(wanted, "next"),
          ...after.map((path) => link(path, "next")),
        ].join(", ");
        expect(parseNextLink(field)).toBe(wanted);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (field) => {
        expect(["string", "undefined"]).toContain(typeof parseNextLink(field));
      }),
    );
  });
});

describe("ranges", () => {
  test.for([
    [undefined, undefined],
    ["0-0", 0],
    ["0-1023", 1024],
    ["bytes=0-9", 10],
    ["bytes 0-9", 10],
    ["5-9", undefined],
    ["0-", undefined],
    ["0--1", undefined],
    ["0-9999999999999999999", undefined],
  ] as const)("of an upload: %s is %s", ([field, done]) => {
    expect(parseUploadRange(field)).toBe(done);
  });

  test("of content are read as they were written, and never nonsense", () => {
    const count = fc.integer({ min: 0, max: 2 ** 45 });
    fc.assert(
      fc.property(count, count, count, fc.boolean(), (first, length, rest, told) => {
        const [last, size] = [first + length, first + length + 1 + rest];
        const range = parseContentRange(`bytes ${first}-${last}/${told ? size : "*"}`);
        expect(range).toEqual({ first, last, ...(told ? { size } : {}) });
      }),
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^bytes \d{0,3}-\d{0,3}\/(\d{0,3}|\*)$/)), (field) => {
        const range = parseContentRange(field);
        if (range === undefined) return;
        expect(range.first).toBeLessThanOrEqual(range.last);
        expect(range.last).toBeLessThan(range.size ?? Infinity);
      }),
    );
  });
});

test("Docker Hub's limit", () => {
  const fields = { "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600" };
  expect(parseRateLimit(fields)).toEqual({ limit: 100, remaining: 76, window: 21_600 });
  expect(parseRateLimit({ "ratelimit-limit": "100", "ratelimit-remaining": "0" })).toEqual({
    limit: 100,
    remaining: 0,
  });
  expect(parseRateLimit({ "ratelimit-limit": "100;w=1" })).toBeUndefined();
  expect(parseRateLimit({ "ratelimit-limit": "many", "ratelimit-remaining": "few" })).toBeUndefined();
});
