import fc from "fast-check";
import { expect, test } from "vitest";
import { parseIndex } from "./parse-index.ts";

test("an index has all of its 64 bits", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (index) => {
      expect(parseIndex(String(index))).toBe(index);
    }),
  );
});

test.each([undefined, "", "-1", "1.5", "0x10", "a", " 1", "1".repeat(21)])("%j is none", (field) => {
  expect(parseIndex(field)).toBeUndefined();
});
