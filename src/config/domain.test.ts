import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDomain, parseHostName } from "./domain.ts";

describe("parseDomain", () => {
  test.each([
    ["blog.example.com", "blog.example.com"],
    ["Blog.Example.COM", "blog.example.com"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["*.Bücher.example", "*.xn--bcher-kva.example"],
    ["*.localhost", "*.localhost"],
    ["*", "*"],
    ["intranet", "intranet"],
    ["4you.example", "4you.example"],
    ["a--b.example", "a--b.example"],
  ])("%s is %s", (text, value) => {
    expect(parseDomain(text)).toEqual({ value });
  });

  test.each([
    ["", "is empty"],
    ["https://blog.test", "has a scheme; leave out `https://`"],
    ["blog.test/path", "has a path; a domain is only the host name"],
    ["blog.test:8080", "has a port; leave out `:8080`"],
    ["me@blog.test", "has an `@` in it; a domain is only the host name"],
    ["127.0.0.1", "is an IP address; a domain is a name"],
    ["[::1]", "is an IP address; a domain is a name"],
    ["::1", "is an IP address; a domain is a name"],
    ["\uff11.0.0.\uff11", "is an IP address; a domain is a name"],
    ["1.2.3", "ends in a number, as only an IP address does"],
    ["0x7f.0x1", "ends in a number, as only an IP address does"],
    ["blog.*.test", "has a `*` that is not its whole first label; write `*.example.com`"],
    ["a*.test", "has a `*` that is not its whole first label; write `*.example.com`"],
    ["*.*.test", "has a `*` that is not its whole first label; write `*.example.com`"],
    ["blog test", "has a space in it"],
    ["blog..test", "has an empty label (two dots in a row)"],
    [".test", "begins with a dot"],
    ["blog.test.", "ends with a dot; leave it out"],
    ["-blog.test", "has a label that begins or ends with a hyphen (`-blog`)"],
    ["my_blog.test", 'has "_" in it; letters, digits, hyphens and dots are allowed'],
    ["*.", "is empty"],
    [`${"a".repeat(64)}.test`, "has a label longer than 63 characters (`aaaaaaaaaaaaaaaaaaaa…`)"],
    [`${"a.".repeat(130)}test`, "is longer than 253 characters"],
    ["xn--\u00fc.test", "is no valid domain name (IDNA)"],
  ])("%s %s", (text, problem) => {
    expect(parseDomain(text)).toEqual({ problem });
  });

  test("what comes out is in its normal form and is a host name's characters", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.domain(), fc.string({ unit: "grapheme" })), (text) => {
        const parsed = parseDomain(text);
        if ("problem" in parsed) return;
        expect(parsed.value).toMatch(/^(\*|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*)$/);
        expect(parseDomain(parsed.value)).toEqual(parsed);
      }),
      { numRuns: 2000 },
    );
  });
});

test("parseHostName takes no wildcard", () => {
  expect(parseHostName("*.blog.test")).toHaveProperty("problem");
  expect(parseHostName("steppe.example.com")).toEqual({ value: "steppe.example.com" });
});
