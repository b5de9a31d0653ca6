import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasHiddenName, printablePath } from "./source-path.ts";

describe("names", () => {
  it("are hidden or not, whichever way one looks", () => {
    const names = fc.array(fc.constantFrom(".", "..", ".a", "a", ".well-known", "a.b"), { minLength: 1 });
    fc.assert(
      fc.property(names, (list) => {
        const expected = list.some((name) => name.startsWith(".") && name !== ".well-known");
        expect(hasHiddenName(Buffer.from(list.join("/")))).toBe(expected);
      }),
    );
  });

  it("are shown without what a terminal would obey", () => {
    expect(printablePath(Buffer.from("a\u001b[2J\nb é"))).toBe("a\\x1b[2J\\x0ab é");
    expect(printablePath(Buffer.from("a\u202e\\b"))).toBe("a\\xe2\\x80\\xae\\x5cb");
    expect(printablePath(Buffer.of(0x61, 0xff, 0x5c))).toBe("a\\xff\\x5c");
    expect(printablePath(Buffer.from(`begin${"a".repeat(500)}end`))).toMatch(/^begina{75}…a{37}end$/);
  });
});
