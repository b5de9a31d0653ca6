import fc from "fast-check";
import { expect, it } from "vitest";
import { matchesGlob } from "./glob.ts";

it.each([
  ["v1", "*", true],
  ["", "*", true],
  ["v1.2", "v*", true],
  ["release/1", "*", true],
  ["release/1", "release/*", true],
  ["v1", "v?", true],
  ["v10", "v?", false],
  ["v7", "v[0-9]*", true],
  ["vx", "v[0-9]*", false],
  ["vx", "v[!0-9]*", true],
  ["v]", "v[]]", true],
  ["v-", "v[a-]", true],
  ["v[", "v[", true],
  ["V1", "v*", false],
  ["a.b", "a.b", true],
  ["axb", "a.b", false],
  ["v1-beta", "v*-rc", false],
  ["v1-rc-rc", "v*-rc", true],
])("%j against %j: %s", (name, pattern, expected) => {
  expect(matchesGlob(name, pattern)).toBe(expected);
});

it("agrees with a regular expression", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 12 });
  const pattern = fc.array(fc.constantFrom("a", "b", "*", "?", "[ab]", "[!a]"), { maxLength: 8 });
  const asRegExp: Record<string, string> = { "*": ".*", "?": ".", "[!a]": "[^a]" };
  fc.assert(
    fc.property(text, pattern, (name, parts) => {
      const expression = new RegExp(`^${parts.map((part) => asRegExp[part] ?? part).join("")}$`, "s");
      expect(matchesGlob(name, parts.join(""))).toBe(expression.test(name));
    }),
  );
});
