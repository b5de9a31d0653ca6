import { expect, test } from "vitest";
import { testContext, testEngine, testRelease } from "../../../../test/support/test-engine.ts";

const TOKEN = "9b1f5a34-0000-4000-8000-000000000001";

test("Steppe's token of Consul goes with each registration of a job, and is in nothing else that is sent, kept or told", async () => {
  const consulToken = TOKEN;
  await using one = await testEngine(undefined, { consulToken });
  const { engine, cluster } = one;
  const context = testContext();
  await engine.place(testRelease(1), context);
  cluster.nomad.heal("blog");
  await engine.awaitHealthy(testRelease(1), context);
  await engine.route(testRelease(1), context);
  cluster.nomad.heal("blog");
  await engine.retire(testRelease(1), context);
  const nomad = { job: {}, group: { Update: { AutoRevert: false } }, task: {}, service: {} };
  await engine.place(testRelease(2, { nomad }), context);
  cluster.nomad.heal("blog");
  await engine.abandon(testRelease(2, { nomad }));
  const plan = await engine.plan(testRelease(3));

  const withToken = one.asked.filter(({ body }) => body.includes(TOKEN));
  expect(withToken.map(({ method, target }) => `${method} ${target}`)).toEqual([
    "POST /v1/jobs",
    "POST /v1/jobs", // with its routes
    "POST /v1/jobs",
    "POST /v1/job/blog/revert",
  ]);
  const others = one.asked.filter((seen) => !withToken.includes(seen));
  expect(others.some(({ target }) => target.endsWith("/plan"))).toBe(true);
  const heads = withToken.map(({ target, headers }) => ({ target, headers }));
  const sent = others.map(({ target, headers, body }) => ({ target, headers, body: body.toString() }));
  const kept = [one.table.get("blog"), await engine.instances("blog"), context.notes, plan];
  const all = JSON.stringify([heads, sent, kept], (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  expect(all).toContain("blog");
  expect(all).not.toContain(TOKEN);
});
