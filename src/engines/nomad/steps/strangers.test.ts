import { expect, test } from "vitest";
import { testContext, testEngine, testRelease } from "../../../../test/support/test-engine.ts";

test("what Consul keeps under the app's name, and is no instance of it, holds up no deployment for ever", async () => {
  await using one = await testEngine();
  one.cluster.nomad.isQuick = true;
  const place = { address: "10.0.0.9", port: 8080, tags: ["urlprefix-blog.test/"], meta: {} };
  one.cluster.services.set("left", { id: "left", name: "blog", ...place });
  await one.engine.place(testRelease(1), testContext());
  const context = testContext();
  const begin = one.clock.monotonic();
  await one.engine.route(testRelease(1), context);
  expect(one.clock.monotonic() - begin).toBeGreaterThanOrEqual(30_000);
  expect(context.notes[0]).toBe(
    "visitors are still sent to blog at 10.0.0.9:8080 (node node), which is no instance of this release: Consul has it registered as left",
  );
});

test("it is not waited for when it goes", async () => {
  await using one = await testEngine();
  one.cluster.nomad.isQuick = true;
  const place = { address: "10.0.0.9", port: 8080, tags: ["urlprefix-blog.test/"], meta: {} };
  one.cluster.services.set("left", { id: "left", name: "blog", ...place });
  await one.engine.place(testRelease(1), testContext());
  let looks = 0;
  one.cluster.onRequest = (request) => {
    if (request === "GET /v1/health/service/blog" && ++looks === 3) one.cluster.services.delete("left");
    return "answered";
  };
  const context = testContext();
  await one.engine.route(testRelease(1), context);
  expect(context.notes).toEqual([]);
});
