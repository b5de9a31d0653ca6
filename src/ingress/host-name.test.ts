import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hostName, lookUpHost } from "./host-name.ts";

describe("hosts", () => {
  test.each([
    ["blog.test", "blog.test"],
    ["BLOG.Test:8080", "blog.test"],
    ["blog.test.", "blog.test"],
    ["blog.test.:80", "blog.test"],
    ["[::1]:80", "::1"],
    ["127.0.0.1", "127.0.0.1"],
    ["a b", ""],
    ["blog.test/x", ""],
    ["user@blog.test", ""],
    ["", ""],
    [undefined, ""],
  ])("%s is %s", (header, name) => {
    expect(hostName(header)).toBe(name);
  });

  test("exact before wildcard before default; a wildcard is for one label", () => {
    const routes = new Map([
      ["a.test", "exact"],
      ["*.test", "wildcard"],
      ["*", "default"],
    ]);
    expect(lookUpHost(routes, "a.test")).toBe("exact");
    expect(lookUpHost(routes, "b.test")).toBe("wildcard");
    expect(lookUpHost(routes, "c.b.test")).toBe("default");
    expect(lookUpHost(routes, "test")).toBe("default");
    expect(lookUpHost(routes, "")).toBe("default");
    expect(lookUpHost(new Map([["a.test", 1]]), "b.test")).toBeUndefined();
    expect(lookUpHost(new Map<string, number>(), "__proto__")).toBeUndefined();
  });

  test("whatever case, port and final dot, the host is the same", () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    fc.assert(
      fc.property(
        fc.array(label, { minLength: 1, maxLength: 4 }),
        fc.nat(65_535),
        fc.boolean(),
        (labels, port, dot) => {
          const host = labels.join(".");
          expect(hostName(`${host.toUpperCase()}${dot ? "." : ""}:${port}`)).toBe(host);
        },
      ),
    );
    fc.assert(fc.property(fc.string(), (header) => !/[A-Z/\s@]/.test(hostName(header))));
  });
});
