import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkTags } from "./check-tags.ts";
import { requireFreeRoutes, routeConflicts, routeHolders } from "./route-conflicts.ts";
import { routeTags } from "./route-tags.ts";

describe("tags of domains", () => {
  test("exact, wildcard, any host", () => {
    expect(routeTags(["blog.test", "*.x.test", "*"])).toEqual([
      "urlprefix-blog.test/",
      "urlprefix-*.x.test/",
      "urlprefix-/",
    ]);
    expect(routeTags(["blog.test"], "route-")).toEqual(["route-blog.test/"]);
  });

  test("are sound, whatever the domains", () => {
    const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
    const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
    const domain = fc.oneof(
      host,
      host.map((name) => `*.${name}`),
      fc.constant("*"),
    );
    fc.assert(
      fc.property(fc.uniqueArray(domain, { minLength: 1, maxLength: 20 }), (domains) => {
        expect(checkTags({ name: "blog", tags: routeTags(domains) })).toEqual([]);
      }),
    );
  });
});

describe("conflicts", () => {
  const blog = { name: "blog", tags: ["urlprefix-blog.test/", "urlprefix-blog.test/api", "urlprefix-*.blog.test/"] };

  test.each([
    ["urlprefix-blog.test/", "blog.test/"],
    ["urlprefix-blog.test", "blog.test/"],
    ["urlprefix-BLOG.test:80/ strip=/x", "blog.test/"],
    ["urlprefix-blog.test:443/api", "blog.test/api"],
    [" urlprefix-*.blog.test/", "*.blog.test/"],
  ])("%s of another service", (tag, route) => {
    expect(routeConflicts(blog, routeHolders([["other", ["x", tag]]]))).toEqual([{ route, holder: "other" }]);
  });

  test.each([
    "urlprefix-blog.test/API",
    "urlprefix-blog.test:8080/",
    "urlprefix-www.blog.test/",
    "urlprefix-[",
    "urlprefix-",
    "blog.test/",
  ])("%s is none", (tag) => {
    expect(routeConflicts(blog, routeHolders([["other", [tag]]]))).toEqual([]);
  });

  test("a service has no conflict with its own instances", () => {
    expect(routeConflicts(blog, routeHolders([["blog", blog.tags]]))).toEqual([]);
  });

  test("any host is one route, however it is written", () => {
    const holders = routeHolders([["other", ["urlprefix-*/", "urlprefix-/"]]]);
    expect(routeConflicts({ name: "blog", tags: ["urlprefix-/"] }, holders)).toHaveLength(1);
  });

  test("a port of TCP is one route", () => {
    const tags = ["urlprefix-:7000 proto=tcp"];
    const holders = routeHolders([["other", tags]]);
    expect(routeConflicts({ name: "blog", tags }, holders)).toEqual([{ route: ":7000", holder: "other" }]);
  });

  test("the error says who has it", () => {
    const holders = routeHolders([["shop", ["urlprefix-blog.test/"]]]);
    expect(() => requireFreeRoutes(blog, holders)).toThrow(
      expect.objectContaining({
        code: "DOMAIN_TAKEN",
        reason: "the service shop has the route `blog.test/` in Consul",
      }),
    );
    expect(() => requireFreeRoutes(blog, holders, { own: new Set(["blog", "shop"]) })).not.toThrow();
    expect(() => requireFreeRoutes(blog, routeHolders([["shop", ["urlprefix-shop.test/"]]]))).not.toThrow();
  });
});
