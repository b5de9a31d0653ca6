import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchGlob, parseGlob } from "./glob.ts";

describe("matchGlob", () => {
  test.each([
    ["*", "v1", true],
    ["*", "release/1.0", true],
    ["v*", "v1.2.3", true],
    ["v*", "w1", false],
    ["v?", "v1", true],
    ["v?", "v12", false],
    ["v?", "v😀", true],
    ["v[0-9]*", "v1.0", true],
    ["v[0-9]*", "va", false],
    ["v[!0-9]", "va", true],
    ["v[!0-9]", "v1", false],
    ["v[]x]", "v]", true],
    ["v[a-]", "v-", true],
    ["{v,release-}[0-9]*", "release-7", true],
    ["{v,release-}[0-9]*", "x7", false],
    ["a{,b}", "a", true],
    ["*.*.*", "1.2", false],
    ["*.*.*", "1.2.3", true],
    ["v1", "v1 ", false],
    ["v1.0", "v1x0", false],
  ])("%s %s: %s", (pattern, name, expected) => {
    expect(matchGlob(pattern, name)).toBe(expected);
  });

  test("agrees with a regular expression", () => {
    const piece = fc.constantFrom("a", "b", "/", ".", "*", "?", "[ab]", "[!a]", "{a,b/}");
    const translated: Record<string, string> = {
      "*": "[^]*",
      "?": "[^]",
      "[!a]": "[^a]",
      "{a,b/}": "(?:a|b/)",
      ".": "\\.",
    };
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 7 }).filter((all) => all.filter((one) => one.length > 4).length < 6),
        fc.string({ unit: fc.constantFrom("a", "b", "/", ".", "c"), maxLength: 10 }),
        (pieces, name) => {
          const regex = new RegExp(`^${pieces.map((one) => translated[one] ?? one).join("")}$`);
          expect(matchGlob(pieces.join(""), name)).toBe(regex.test(name));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("an evil pattern ends soon", () => {
    const pattern = "a*".repeat(120);
    expect(matchGlob(pattern, `${"a".repeat(5000)}b`)).toBe(true);
    expect(matchGlob(`${pattern}c`, "a".repeat(5000))).toBe(false);
  });

  test("never throws, and a plain name matches itself", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.stringMatching(/^[\w./-]{1,40}$/), (pattern, name, plain) => {
        expect(matchGlob(pattern, name)).toBeTypeOf("boolean");
        expect(matchGlob(plain, plain)).toBe(true);
      }),
    );
  });
});

describe("parseGlob", () => {
  test.each([
    ["", "is empty"],
    ["v[1", "has a `[` without its `]`"],
    ["v[9-0]", "has a range that runs backwards"],
    ["v{1", "has a `{` or `}` without its other half"],
    ["v1}", "has a `{` or `}` without its other half"],
    ["{a,{b}}", "has braces within braces"],
    ["{1,2,3,4,5,6,7,8,9}{1,2,3,4,5,6,7,8,9}", "has more than 64 alternatives"],
    ["v".repeat(256), "is longer than 255 characters"],
  ])("%s %s", (pattern, problem) => {
    expect(parseGlob(pattern)).toEqual({ problem });
  });
});
