import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";
import { formatListenAddress, parseListenAddress } from "./listen-address.ts";
import { parseInnerPath, parseRelativePath } from "./relative-path.ts";
import { parseRepositoryAddress } from "./repository-address.ts";

describe("parseDuration", () => {
  const range = [0, 100 * 86_400_000] as const;
  test.each([
    ["30s", 30_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["2d", 172_800_000],
    ["250ms", 250],
    ["0", 0],
  ])("%s", (text, value) => {
    expect(parseDuration(text, range)).toEqual({ value });
  });

  test.each(["", "5", "5 m", "-5m", "1.5h", "5x", "m", "5m ", "9".repeat(60)])("refuses %j", (text) => {
    expect(parseDuration(text, range)).toHaveProperty("problem");
  });

  test("names the bound", () => {
    expect(parseDuration("10ms", [1000, 60_000])).toEqual({ problem: "is less than 1s" });
    expect(parseDuration("2h", [1000, 60_000])).toEqual({ problem: "is more than 1m" });
  });

  test("reads what formatDuration writes", () => {
    fc.assert(
      fc.property(fc.nat(range[1]), (value) => {
        expect(parseDuration(formatDuration(value), range)).toEqual({ value });
      }),
    );
  });
});

describe("parseRelativePath", () => {
  test.each([
    [".", "."],
    ["./", "."],
    ["public", "public"],
    ["./public//site/", "public/site"],
    ["..well", "..well"],
  ])("%s is %s", (text, value) => {
    expect(parseRelativePath(text)).toEqual({ value });
  });

  test.each(["", "/etc", "../x", "a/../../b", "a/..", "~/x", "a\\b", "a\0b", "a\nb", "x".repeat(1025)])(
    "refuses %j",
    (text) => {
      expect(parseRelativePath(text)).toHaveProperty("problem");
    },
  );

  test("an inner path is not the folder itself", () => {
    expect(parseInnerPath("./")).toHaveProperty("problem");
    expect(parseInnerPath("404.html")).toEqual({ value: "404.html" });
  });

  test("never leaves", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(".", "/", "a"), maxLength: 12 }), (text) => {
        const parsed = parseRelativePath(text);
        if ("problem" in parsed) return;
        expect(parsed.value).not.toMatch(/^\/|(^|\/)\.\.(\/|$)|\/\/|\/$/);
        expect(parseRelativePath(parsed.value)).toEqual(parsed);
      }),
    );
  });
});

describe("parseRepositoryAddress", () => {
  test.each([
    "https://git.example.com/blog.git",
    "http://127.0.0.1:3000/blog.git",
    "ssh://git@git.example.com:22/blog.git",
    "file:///srv/git/blog.git",
    "git@git.example.com:me/blog.git",
  ])("takes %s", (text) => {
    expect(parseRepositoryAddress(text)).toEqual({ value: text });
  });

  test.each([
    ["", "is empty"],
    ["--upload-pack=touch /tmp/x", "has a space or a control character in it"],
    ["--upload-pack=x", "begins with a hyphen, which git would take for an option"],
    ["ext::sh", "names a git remote helper (`ext::`), which is not allowed"],
    ["fd::17", "names a git remote helper (`fd::`), which is not allowed"],
    ["git://host/x", expect.stringContaining("has the scheme `git://`")],
    ["ftp://host/x", expect.stringContaining("has the scheme `ftp://`")],
    ["ssh://-oProxyCommand=x/y", expect.stringMatching(/hyphen|no valid URL/)],
    ["ssh://-o@host/y", "has a host or user that begins with a hyphen"],
    ["git@host:-x", "has a path that begins with a hyphen"],
    ["/srv/git/x", expect.stringContaining("write `file:///srv/git/x`")],
    ["blog", expect.stringContaining("is no address of a repository")],
    ["https://host/", "names no repository"],
    ["https://host/a\nb", "has a space or a control character in it"],
  ])("%j %s", (text, problem) => {
    expect(parseRepositoryAddress(text)).toEqual({ problem });
  });

  test("never throws", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `ssh://${text}`),
        ),
        (text) => {
          expect(parseRepositoryAddress(text)).toBeTypeOf("object");
        },
      ),
    );
  });
});

describe("parseListenAddress", () => {
  test.each([
    ["127.0.0.1:8080", "127.0.0.1", 8080],
    ["localhost:0", "localhost", 0],
    [":8080", "::", 8080],
    ["*:80", "::", 80],
    ["[::1]:80", "::1", 80],
  ])("%s", (text, host, port) => {
    expect(parseListenAddress(text)).toEqual({ value: { host, port } });
    expect(parseListenAddress(formatListenAddress({ host, port }))).toEqual({ value: { host, port } });
  });

  test.each([
    ["", "is empty; write HOST:PORT"],
    ["8080", "has no host; write `127.0.0.1:8080`, or `:8080` for every address"],
    ["localhost", "has no port; write `localhost:8080`"],
    ["::1", "has no port; write `[::1]:8080`"],
    ["127.0.0.1:65536", "has the port 65536; the highest is 65535"],
    ["127.0.0.256:80", "has `127.0.0.256`, which is no host"],
    ["[x]:80", "has `[x]`, which is no IPv6 address"],
    ["http://x:80", "is a URL; write HOST:PORT"],
    ["a b:80", "has `a b`, which is no host"],
    ["x:http", "is no HOST:PORT; write `127.0.0.1:8080`, `[::1]:8080` or `:8080`"],
  ])("%j %s", (text, problem) => {
    expect(parseListenAddress(text)).toEqual({ problem });
  });
});
