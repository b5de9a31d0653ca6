import { describe, expect, test } from "vitest";
import { testContext, testEngine, type TestEngine, testRelease } from "../../../../test/support/test-engine.ts";
import type { JobSpec, UpdateSpec } from "../../../nomad-api/index.ts";

/** A job of two groups, of which visitors see one, by two services; the other is in none. */
function jobspec(update: UpdateSpec): JobSpec {
  const task = { Name: "app", Driver: "docker", Config: { image: "registry.test/blog:1" } };
  return {
    ID: "blog",
    Update: update,
    TaskGroups: [
      {
        Name: "web",
        Count: 2,
        Services: [
          { Name: "blog", Tags: ["urlprefix-blog.test/"], CanaryTags: ["canary"] },
          { Name: "blog-admin", Tags: ["urlprefix-admin.blog.test/"], CanaryTags: ["canary"] },
        ],
        Tasks: [task],
      },
      { Name: "worker", Count: 1, Update: { ...update, Canary: Math.min(1, update.Canary ?? 0) }, Tasks: [task] },
    ],
  };
}

const release = (number: number, change: Parameters<typeof testRelease>[1] = {}) =>
  testRelease(number, { job: 'job "blog" {}', ...change });

async function deploy({ engine, cluster }: TestEngine, number: number): Promise<void> {
  await engine.place(release(number), testContext());
  cluster.nomad.heal("blog");
  await engine.awaitHealthy(release(number), testContext());
  await engine.route(release(number), testContext());
  cluster.nomad.heal("blog");
  await engine.retire(release(number), testContext());
}

const seen = async ({ engine }: TestEngine): Promise<string[]> =>
  (await engine.instances("blog")).map((one) => `${one.release} ${one.routed ? "routed" : "placed"}`).toSorted();

describe("a job of the user's own goes live, with what visitors do not see of it,", () => {
  test.each<[how: string, update: UpdateSpec]>([
    ["by canaries that Steppe promotes", { MaxParallel: 1, Canary: 2, AutoRevert: true }],
    ["by canaries that Nomad promotes", { MaxParallel: 1, Canary: 2, AutoPromote: true, AutoRevert: true }],
    ["one instance after the other", { MaxParallel: 1 }],
  ])("%s", async (_, update) => {
    await using one = await testEngine();
    one.cluster.parsed = jobspec(update);
    for (const number of [1, 2]) {
      await deploy(one, number);
      expect(await seen(one)).toEqual([`${number} placed`, `${number} routed`, `${number} routed`]);
    }
    const promotions = one.cluster.changes.filter((change) => change.includes("/promote/"));
    expect(promotions).toHaveLength(update.Canary !== undefined && update.AutoPromote !== true ? 1 : 0);
  });
});

test("its route is whole when each of its services has each instance", async () => {
  await using one = await testEngine();
  one.cluster.parsed = jobspec({ MaxParallel: 1, Canary: 2 });
  await one.engine.place(release(1), testContext());
  one.cluster.nomad.heal("blog");
  one.cluster.hiddenServices.add("blog-admin");
  let isOver = false;
  const routing = one.engine.route(release(1), testContext()).then(() => (isOver = true));
  const looks = one.clock.waits.length;
  while (one.clock.waits.length <= looks + 5) await new Promise(setImmediate);
  expect(isOver).toBe(false);
  one.cluster.hiddenServices.delete("blog-admin");
  await routing;
});

test("a check that only Steppe can make needs a service to be asked by", async () => {
  const check = { path: "/", status: [200, 299] as [number, number], contains: "text", timeoutMs: 1000 };
  await using one = await testEngine();
  const spec = jobspec({ MaxParallel: 1 });
  one.cluster.parsed = { ...spec, TaskGroups: spec.TaskGroups?.slice(1) };
  await one.engine.place(release(1, { check }), testContext());
  one.cluster.nomad.heal("blog");
  await expect(one.engine.awaitHealthy(release(1, { check }), testContext())).rejects.toMatchObject({
    code: "CHECK_FAILED",
    reason: "GET / cannot be asked, since the job blog has no service in Consul",
  });
});

test("a job that changes its id is refused as long as the one before it runs", async () => {
  await using one = await testEngine();
  one.cluster.parsed = jobspec({ MaxParallel: 1 });
  await deploy(one, 1);
  one.cluster.parsed = { ...jobspec({ MaxParallel: 1 }), ID: "blog-two" };
  const other = release(2, { job: 'job "blog-two" {}' });
  await expect(one.engine.place(other, testContext())).rejects.toMatchObject({ code: "NOMAD_JOB_INVALID" });
  one.cluster.nomad.stop("blog", false);
  await one.engine.place(other, testContext());
  expect(one.table.get("blog")?.job).toBe("blog-two");
});

test("canaries that have visitors before they have proved healthy are told of, once there are canaries", async () => {
  await using one = await testEngine();
  const spec = jobspec({ MaxParallel: 1, Canary: 2 });
  const [web, worker] = spec.TaskGroups ?? [];
  const Services = web?.Services?.map((service) => ({ ...service, CanaryTags: null }));
  one.cluster.parsed = {
    ...spec,
    TaskGroups: [
      { Name: "web", ...web, Services },
      { Name: "worker", ...worker },
    ],
  };
  await deploy(one, 1);
  const [first, second] = [testContext(), testContext()];
  await one.engine.place(release(1), first);
  await one.engine.place(release(2), second);
  expect([first.notes, second.notes]).toEqual([
    [],
    [
      "visitors are sent to canaries of blog, blog-admin before they have proved healthy: give each `canary_tags` without routes",
    ],
  ]);
});
