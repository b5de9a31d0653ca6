import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRange } from "./byte-range.ts";

describe("ranges", () => {
  test.each<[string, number, ReturnType<typeof parseRange>]>([
    ["bytes=0-0", 10, { start: 0, size: 1 }],
    ["bytes=2-5", 10, { start: 2, size: 4 }],
    ["bytes=2-", 10, { start: 2, size: 8 }],
    ["bytes=-3", 10, { start: 7, size: 3 }],
    ["bytes=-30", 10, { start: 0, size: 10 }],
    ["bytes=5-999999999999", 10, { start: 5, size: 5 }],
    ["BYTES = 1 - 2", 10, { start: 1, size: 2 }],
    ["bytes=10-", 10, "unsatisfiable"],
    ["bytes=-0", 10, "unsatisfiable"],
    ["bytes=0-", 0, "unsatisfiable"],
    ["bytes=5-2", 10, "whole"],
    ["bytes=-", 10, "whole"],
    ["bytes=0-1,3-4", 10, "whole"],
    ["bytes=a-b", 10, "whole"],
    ["lines=0-1", 10, "whole"],
    ["bytes=0-1 x", 10, "whole"],
    ["bytes=99999999999999999999-", 10, "whole"],
  ])("%s of %d bytes", (header, size, range) => {
    expect(parseRange(header, size)).toEqual(range);
  });

  test("a range lies within the file, and is what a slice gives", () => {
    const number = fc.option(fc.nat(60), { nil: undefined });
    fc.assert(
      fc.property(number, number, fc.nat(50), (first, last, size) => {
        const range = parseRange(`bytes=${first ?? ""}-${last ?? ""}`, size);
        if (typeof range === "string") return;
        const file = Array.from({ length: size }, (_, i) => i);
        const expected =
          first === undefined ? file.slice(-(last ?? 0)) : file.slice(first, last === undefined ? size : last + 1);
        expect(file.slice(range.start, range.start + range.size)).toEqual(expected);
        expect(range.size).toBeGreaterThan(0);
      }),
    );
  });
});
