import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RequestPath } from "./request-path.ts";

const path = new RequestPath();

function parsed(target: string): string | number {
  const bad = path.parse(target);
  return bad === undefined ? Buffer.from(path.bytes).toString("utf8") : bad.status;
}

describe("request path", () => {
  test("decodes exactly once, and separates the query", () => {
    expect(parsed("/a%20b/c?x=%2F")).toBe("a b/c");
    expect(path.query).toBe("?x=%2F");
    expect(path.raw).toBe("/a%20b/c");
    expect(parsed("/%2541")).toBe("%41");
    expect(parsed("/a+b")).toBe("a+b");
    expect(parsed("/b%C3%BCcher")).toBe("bücher");
    expect(parsed("/a#b?c")).toBe("a");
    expect(parsed("/a?b?c")).toBe("a");
    expect(path.query).toBe("?b?c");
  });

  test.each([
    "/..",
    "/../",
    "/a/..",
    "/a/../b",
    "/.",
    "/./a",
    "/a/.",
    "/%2e%2e/a",
    "/.%2E",
    "/%2e",
    "/a/%2E%2e/b",
    "/%00",
    "/a%00b",
    "/a%2fb",
    "/a%2Fb",
    "/%",
    "/%1",
    "/%zz",
    "/%g0",
    "a",
    "",
    "*",
    "http://x/",
    "/\u0100",
  ])("refuses %s", (target) => {
    expect(parsed(target)).toBe(400);
  });

  test.each(["/...", "/..a", "/a..", "/.well-known/x", "/a./b", "/\\..\\a", "//", "/a//b"])("takes %s", (target) => {
    expect(parsed(target)).toBe(target.slice(1));
  });

  test("an address that is too long is told so", () => {
    expect(parsed(`/${"a".repeat(20_000)}`)).toBe(414);
    expect(parsed(`/${"a".repeat(12_000)}`)).toBe("a".repeat(12_000));
  });

  test("whatever names are encoded come back as they were", () => {
    const name = fc
      .string({ minLength: 1, unit: "binary" })
      .filter((text) => !/[/\0]/.test(text) && text !== "." && text !== ".." && text.isWellFormed());
    fc.assert(
      fc.property(fc.array(name, { maxLength: 5 }), (names) => {
        expect(parsed(`/${names.map(encodeURIComponent).join("/")}`)).toBe(names.join("/"));
      }),
    );
  });

  test("nothing that is accepted leaves the root or holds NUL", () => {
    const piece = fc.constantFrom("/", ".", "..", "%2e", "%2E", "%2f", "%00", "%25", "a", "?", "%", "\\", "%5c");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const result = parsed(`/${pieces.join("")}`);
        if (typeof result === "number") return;
        expect(result.split("/").some((segment) => segment === "." || segment === "..")).toBe(false);
        expect(result).not.toContain("\0");
      }),
    );
  });
});
