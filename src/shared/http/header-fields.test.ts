import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseLength, parseRetryAfter } from "./header-fields.ts";

const now = Date.UTC(2026, 10, 24, 15, 0, 0);

describe("Retry-After", () => {
  test.for([
    [undefined, undefined],
    ["", undefined],
    ["soon", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7000],
    ["Tue, 24 Nov 2026 15:00:30 GMT", 30_000],
    ["Tuesday, 24-Nov-26 15:01:00 GMT", 60_000],
    ["Tue Nov 24 15:00:10 2026 GMT", 10_000],
    ["Tue, 24 Nov 2026 14:00:00 GMT", 0],
  ] as const)("%s is %s", ([field, wait]) => {
    expect(parseRetryAfter(field, now)).toBe(wait);
  });

  test("any date is read as it was written", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (seconds) => {
        expect(parseRetryAfter(new Date(now + seconds * 1000).toUTCString(), now)).toBe(seconds * 1000);
      }),
    );
  });
});

test("lengths are whole numbers, or nothing", () => {
  expect([undefined, "", "1e3", "-1", "0x10", "12", ["1", "2"]].map(parseLength)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    12,
    undefined,
  ]);
});
