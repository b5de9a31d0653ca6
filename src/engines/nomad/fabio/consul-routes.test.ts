import { expect, test } from "vitest";
import { fakeConsul } from "../../../consul/fakes.ts";
import { ConsulRoutes } from "./consul-routes.ts";

test("for many deployments at once the routes of all services are read together", async () => {
  const services = { blog: ["urlprefix-blog.test/", "x"], shop: [] };
  await using fake = await fakeConsul((_, response) => response.end(JSON.stringify(services)));
  const routes = new ConsulRoutes(fake.consul, "urlprefix-");
  const { signal } = new AbortController();
  const found = await Promise.all(Array.from({ length: 100 }, () => routes.read(signal)));
  expect(fake.seen).toHaveLength(2);
  for (const { names, holders } of found) {
    expect([...names]).toEqual(["blog", "shop"]);
    expect([...holders]).toEqual([["blog.test/", ["blog"]]]);
  }
});
