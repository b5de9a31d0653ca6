import { describe, expect, test } from "vitest";
import { testContext, testEngine, type TestEngine, testRelease } from "../../../../test/support/test-engine.ts";

/** A cluster on which somebody else's job runs as the service that the app's would have. */
async function withOther(): Promise<TestEngine> {
  const one = await testEngine();
  one.cluster.nomad.isQuick = true;
  one.cluster.nomad.register({
    ID: "old-blog",
    TaskGroups: [{ Name: "web", Count: 2, Services: [{ Name: "blog", Tags: [] }] }],
  });
  return one;
}

describe("a service that another job has", () => {
  test("is not shared: the deployment is refused, with the names of both jobs", async () => {
    await using one = await withOther();
    await expect(one.engine.place(testRelease(1), testContext())).rejects.toMatchObject({
      code: "NOMAD_JOB_INVALID",
      reason:
        "the job old-blog has the service blog in Consul, which the job blog would have as well: visitors would be sent to both",
      hint: "Give one of the two services another name, or stop that job first: `nomad job stop old-blog`.",
    });
    expect(one.cluster.changes).toEqual([]);
    one.cluster.nomad.stop("old-blog", false);
    await one.engine.place(testRelease(1), testContext());
  });

  test.each(["denied", "hidden"] as const)(
    "whose job the token may not read is told without its name (%s)",
    async (fate) => {
      await using one = await withOther();
      const [instance] = one.cluster.nomad.running("old-blog");
      one.cluster.onRequest = (request) => (request.includes("/v1/allocation/") ? fate : "answered");
      await expect(one.engine.place(testRelease(1), testContext())).rejects.toMatchObject({
        code: "NOMAD_JOB_INVALID",
        reason:
          "a job that Steppe's token may not read has the service blog in Consul, which the job blog would have as well: visitors would be sent to both",
        hint: `Give one of the two services another name, or stop that job first: instance ${instance?.ID} is of it.`,
      });
      expect(one.cluster.changes).toEqual([]);
    },
  );

  test("while that is still ending is free", async () => {
    await using one = await withOther();
    one.cluster.nomad.isSlow = true;
    one.cluster.nomad.stop("old-blog", false);
    await one.engine.place(testRelease(1), testContext());
  });

  test("since the job was taken over with it is for its user to know", async () => {
    await using one = await withOther();
    const services = [{ Name: "blog", Tags: [] }];
    one.cluster.nomad.register({ ID: "blog", TaskGroups: [{ Name: "web", Count: 1, Services: services }] });
    await one.engine.adopt("blog", "blog");
    await one.engine.place(testRelease(1), testContext());
  });
});

test("of a service that the job has already nobody is asked", async () => {
  await using one = await testEngine();
  one.cluster.nomad.isQuick = true;
  await one.engine.place(testRelease(1), testContext());
  await one.engine.route(testRelease(1), testContext());
  const asked: string[] = [];
  one.cluster.onRequest = (request) => {
    asked.push(request);
    return "answered";
  };
  await one.engine.place(testRelease(2), testContext());
  expect(asked.filter((request) => /\/(allocation|health\/service)\//.test(request))).toEqual([]);
});
