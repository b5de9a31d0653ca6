import { describe, expect, test } from "vitest";
import type { FabioTarget } from "../fabio/fabio.ts";
import { routesLeadOnlyTo, routesLeadTo } from "./wanted-routes.ts";

const service = (name: string, ...tags: string[]) => ({ name, group: "web", tags, canaryTags: [] });
const target = (route: string, address: string, of = "blog"): FabioTarget => {
  const slash = route.indexOf("/");
  return { service: of, host: route.slice(0, slash), path: route.slice(slash), address, isRedirect: false, weight: 1 };
};

const blog = service("blog", "urlprefix-blog.test/", "urlprefix-www.blog.test:80/a", "metrics");
const [one, two] = ["10.0.0.1:8080", "10.0.0.2:8080"];
const destinations = [one, two].map((address) => ({ service: "blog", address }));
const all = [one, two].flatMap((address) => [target("blog.test/", address), target("www.blog.test:80/a", address)]);

describe("that visitors are sent to the release", () => {
  const wanted = routesLeadTo([blog], destinations, "urlprefix-");

  test("holds when every route leads there, and also to others", () => {
    expect(wanted(all)).toBeUndefined();
    expect(wanted([...all, target("blog.test/", "10.0.0.9:1"), target("other.test/", one, "other")])).toBeUndefined();
  });

  test("does not while one route lacks one instance", () => {
    for (const left of all.keys()) {
      const missing = wanted(all.toSpliced(left, 1));
      expect(missing).toMatch(/^does not send visitors of (blog\.test\/|www\.blog\.test:80\/a) to the release$/);
    }
  });

  test("is not helped by another service at the same address", () => {
    expect(wanted([...all.slice(1), target("blog.test/", one, "other")])).toMatch(/^does not send/);
  });
});

describe("that all visitors are sent to the release and nowhere else", () => {
  const wanted = routesLeadOnlyTo([blog], destinations, "urlprefix-");

  test("holds only of just these", () => {
    expect(wanted(all)).toBeUndefined();
    expect(wanted([...all, target("other.test/", one, "other")])).toBeUndefined();
    expect(wanted(all.slice(1))).toMatch(/^does not send all visitors/);
    expect(wanted([...all, target("blog.test/", "10.0.0.9:1")])).toBe(
      "does not send all visitors of blog.test/ to the release",
    );
    expect(wanted([...all, target("old.test/", one)])).toBe("still has the route old.test/");
  });

  test("holds for an app without domains when Fabio has none of it", () => {
    const none = routesLeadOnlyTo([service("blog", "metrics")], destinations, "urlprefix-");
    expect(none([])).toBeUndefined();
    expect(none([target("blog.test/", one)])).toBe("still has the route blog.test/");
  });

  test("asks for ports of TCP, which Fabio lists without a path", () => {
    const ofPort = routesLeadOnlyTo([service("blog", "urlprefix-:5432 proto=tcp")], destinations, "urlprefix-");
    const routes = [one, two].map((address) => ({ ...target("/", address), host: ":5432", path: "" }));
    expect(ofPort(routes)).toBeUndefined();
    expect(ofPort(routes.slice(1))).toBe("does not send all visitors of :5432 to the release");
  });

  test("asks nothing of redirections but that they may be there", () => {
    const redirect = "urlprefix-old.test/ redirect=301,https://blog.test$path";
    const some = routesLeadOnlyTo([service("blog", redirect)], destinations, "urlprefix-");
    expect(some([])).toBeUndefined();
    expect(some([{ ...target("old.test/", "blog.test$path:443"), isRedirect: true }])).toBeUndefined();
  });

  test("holds when those of plain HTTP are redirected to where the others are sent", () => {
    const tag = "urlprefix-blog.test:80/ redirect=301,https://blog.test$path";
    const secured = service("blog", "urlprefix-blog.test/", tag);
    const redirect = { ...target("blog.test:80/", "blog.test$path:443"), isRedirect: true };
    const routes = [one, two].map((address) => target("blog.test/", address));
    expect(routesLeadOnlyTo([secured], destinations, "urlprefix-")([...routes, redirect])).toBeUndefined();
    expect(routesLeadTo([secured], destinations, "urlprefix-")([...routes, redirect])).toBeUndefined();
    const plain = service("blog", "urlprefix-blog.test/");
    expect(routesLeadOnlyTo([plain], destinations, "urlprefix-")([...routes, redirect])).toBe(
      "still has the route blog.test:80/",
    );
  });
});
