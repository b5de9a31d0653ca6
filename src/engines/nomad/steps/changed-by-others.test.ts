import { describe, expect, test } from "vitest";
import { testRun } from "../../../../test/support/test-definition.ts";
import { until } from "../../../../test/support/until.ts";
import { testContext, testEngine, type TestEngine, testRelease } from "../../../../test/support/test-engine.ts";

/** An app of which release 1 serves. */
async function serving(): Promise<TestEngine> {
  const one = await testEngine();
  one.cluster.nomad.isQuick = true;
  await one.engine.place(testRelease(1), testContext());
  await one.engine.route(testRelease(1), testContext());
  return one;
}

/** As a person does with `nomad job run`: the job as it is, with one thing changed. */
function edit({ cluster: { nomad } }: TestEngine, change: object = { Priority: 70 }): void {
  const job = nomad.current("blog");
  if (job === undefined) throw new Error("there is no job");
  nomad.register({ ...job, ...change });
}

const priority = ({ cluster }: TestEngine): unknown => cluster.nomad.current("blog")?.["Priority"];

describe("a job that somebody changed since Steppe registered it", () => {
  test("is not overwritten", async () => {
    await using one = await serving();
    edit(one);
    await expect(one.engine.place(testRelease(2), testContext())).rejects.toMatchObject({
      code: "NOMAD_JOB_CHANGED",
      reason: "somebody changed the job blog since Steppe registered it",
    });
    expect(priority(one)).toBe(70);
  });

  test("is told as drift, until that is accepted", async () => {
    await using one = await serving();
    expect(await one.engine.drift(testRelease(1))).toBeUndefined();
    edit(one);
    expect(await one.engine.drift(testRelease(1))).toMatchObject({
      job: "blog",
      jobModifyIndex: BigInt(one.cluster.nomad.current("blog")?.JobModifyIndex ?? 0),
      diff: { type: "Edited" },
    });
    await one.engine.acceptDrift("blog");
    expect(await one.engine.drift(testRelease(1))).toBeUndefined();
    await one.engine.place(testRelease(2), testContext());
    expect(priority(one)).toBeUndefined();
  });

  test("and changed back is none", async () => {
    await using one = await serving();
    edit(one);
    edit(one, { Priority: undefined });
    expect(await one.engine.drift(testRelease(1))).toBeUndefined();
    await one.engine.place(testRelease(2), testContext());
  });

  test("while a release was placed is left as it is when that is taken away", async () => {
    await using one = await serving();
    one.cluster.nomad.isQuick = false;
    await one.engine.place(testRelease(2), testContext());
    const waiting = one.engine.awaitHealthy(testRelease(2), testContext()).catch((error: unknown) => error);
    const looks = one.clock.waits.length;
    await until(() => one.clock.waits.length > looks + 3);
    edit(one);
    expect(await waiting).toMatchObject({
      code: "NOMAD_JOB_CHANGED",
      reason: "somebody registered another version of the job meanwhile",
    });
    await one.engine.abandon(testRelease(2));
    expect(priority(one)).toBe(70);
  });

  test("after a release was placed fails that, though its meta says that it is of this release", async () => {
    await using one = await serving();
    await one.engine.place(testRelease(2), testContext());
    edit(one);
    const refused = { code: "NOMAD_JOB_CHANGED", reason: "somebody registered another version of the job meanwhile" };
    await expect(one.engine.awaitHealthy(testRelease(2), testContext())).rejects.toMatchObject(refused);
    await expect(one.engine.route(testRelease(2), testContext())).rejects.toMatchObject(refused);
    expect((await one.engine.instances("blog")).filter(({ routed }) => routed).map(({ release }) => release)).toEqual([
      1, 1,
    ]);
  });

  test("and stopped may be placed again", async () => {
    await using one = await serving();
    one.cluster.nomad.stop("blog", false);
    await one.engine.place(testRelease(2), testContext());
    await one.engine.route(testRelease(2), testContext());
    expect((await one.engine.instances("blog")).every(({ release, routed }) => release === 2 && routed)).toBe(true);
  });

  test("and removed is told as drift, and made anew by the next deployment", async () => {
    await using one = await serving();
    one.cluster.nomad.stop("blog", true);
    expect(await one.engine.drift(testRelease(1))).toEqual({
      job: "blog",
      jobModifyIndex: undefined,
      diff: undefined,
      isAdopted: false,
    });
    const known = one.table.get("blog");
    await one.engine.place(testRelease(2), testContext());
    // By a process that died before it could take note of it.
    if (known !== undefined) one.table.set(known);
    await one.engine.place(testRelease(2), testContext());
    await one.engine.route(testRelease(2), testContext());
  });
});

describe("what was registered by a process that died before it could take note of it", () => {
  test("is known by its release, over one that is known", async () => {
    await using one = await serving();
    const known = one.table.get("blog");
    if (known === undefined) throw new Error("nothing is known");
    await one.engine.place(testRelease(2), testContext());
    one.table.set(known);
    await one.engine.place(testRelease(2), testContext());
    expect(one.table.get("blog")?.jobModifyIndex).toBe(BigInt(one.cluster.nomad.current("blog")?.JobModifyIndex ?? 0));
    one.table.set(known);
    await one.engine.abandon(testRelease(2));
    expect(one.cluster.nomad.current("blog")?.Meta?.["steppe_release"]).toBe("1");
  });

  test("is not what somebody changed after it", async () => {
    await using one = await serving();
    const known = one.table.get("blog");
    if (known === undefined) throw new Error("nothing is known");
    await one.engine.place(testRelease(2), testContext());
    one.table.set(known);
    edit(one);
    await expect(one.engine.place(testRelease(2), testContext())).rejects.toMatchObject({ code: "NOMAD_JOB_CHANGED" });
  });

  test("may be an app's first job", async () => {
    await using one = await testEngine();
    await one.engine.place(testRelease(1), testContext());
    one.table.delete("blog");
    await one.engine.place(testRelease(1), testContext());
    expect(one.table.get("blog")?.job).toBe("blog");
    expect(one.cluster.changes).toEqual(["POST /v1/jobs"]);
  });
});

describe("a job that Steppe did not make", () => {
  const foreign = { ID: "blog", TaskGroups: [{ Name: "web", Count: 1, Services: [{ Name: "blog", Tags: [] }] }] };

  test("is not overwritten, stopped or not", async () => {
    await using one = await testEngine();
    one.cluster.nomad.register(foreign);
    const refused = { code: "NOMAD_JOB_CHANGED", reason: "there is a job blog on Nomad that Steppe did not make" };
    await expect(one.engine.place(testRelease(1), testContext())).rejects.toMatchObject(refused);
    one.cluster.nomad.stop("blog", false);
    await expect(one.engine.place(testRelease(1), testContext())).rejects.toMatchObject(refused);
  });

  test("can be taken over, and is gone back to", async () => {
    await using one = await testEngine();
    one.cluster.nomad.isQuick = true;
    one.cluster.nomad.register(foreign);
    await one.engine.adopt("blog", "blog");
    await one.engine.place(testRelease(1), testContext());
    expect(one.cluster.nomad.current("blog")?.Meta?.["steppe_release"]).toBe("1");
    await one.engine.abandon(testRelease(1));
    expect(one.cluster.nomad.current("blog")?.TaskGroups?.[0]?.Name).toBe("web");
  });

  test("and was changed after it was taken over is told, and overwritten when that is asked for", async () => {
    await using one = await testEngine();
    one.cluster.nomad.isQuick = true;
    one.cluster.nomad.register(foreign);
    await one.engine.adopt("blog", "blog");
    expect(await one.engine.adoptedDrift("blog")).toBeUndefined();
    edit(one);
    await expect(one.engine.place(testRelease(1), testContext())).rejects.toMatchObject({
      code: "NOMAD_JOB_CHANGED",
      reason: "somebody changed the job blog since Steppe registered it or took it over",
      hint: expect.stringContaining("steppe drift blog --overwrite") as string,
    });
    const drift = await one.engine.adoptedDrift("blog");
    expect(drift).toMatchObject({ job: "blog", diff: { type: "Edited" }, isAdopted: true });
    await one.engine.acceptDrift("blog");
    expect(await one.engine.adoptedDrift("blog")).toBeUndefined();
    await one.engine.place(testRelease(1), testContext());
    expect(one.cluster.nomad.current("blog")?.Meta?.["steppe_release"]).toBe("1");
    expect(await one.engine.adoptedDrift("blog")).toBeUndefined();
  });

  test("and was changed back, or is gone, has not changed since it was taken over", async () => {
    await using one = await testEngine();
    one.cluster.nomad.register(foreign);
    await one.engine.adopt("blog", "blog");
    edit(one);
    edit(one, { Priority: undefined });
    expect(await one.engine.adoptedDrift("blog")).toBeUndefined();
    await one.engine.place(testRelease(1), testContext());
    one.cluster.nomad.stop("blog", true);
    expect(await one.engine.adoptedDrift("blog")).toBeUndefined();
    expect(await one.engine.adoptedDrift("shop")).toBeUndefined();
  });

  test("is not taken over if it is not there, or another app's", async () => {
    await using one = await serving();
    await expect(one.engine.adopt("shop", "shop")).rejects.toMatchObject({ code: "NOMAD_NOT_FOUND" });
    await expect(one.engine.adopt("shop", "blog")).rejects.toMatchObject({ code: "NOMAD_JOB_CHANGED" });
  });

  test("is not there beside another job of the app", async () => {
    await using one = await testEngine();
    one.cluster.nomad.register({ ...foreign, ID: "old-blog" });
    await one.engine.adopt("blog", "old-blog");
    await expect(one.engine.place(testRelease(1), testContext())).rejects.toMatchObject({
      code: "NOMAD_JOB_INVALID",
      reason: "it runs as the job old-blog on Nomad, and would now be the job blog beside it",
    });
    one.cluster.nomad.stop("old-blog", false);
    await one.engine.place(testRelease(1), testContext());
    expect(one.table.get("blog")?.job).toBe("blog");
  });
});

test("who registers first wins", async () => {
  await using one = await serving();
  one.cluster.onRequest = (request) => {
    one.cluster.onRequest = () => "answered";
    if (request === "GET /v1/job/blog") one.cluster.onRequest = lateEdit;
    return "answered";
  };
  const lateEdit = (request: string) => {
    if (request === "POST /v1/jobs") edit(one);
    return "answered" as const;
  };
  await expect(one.engine.place(testRelease(2), testContext())).rejects.toMatchObject({ code: "NOMAD_JOB_CHANGED" });
  expect(priority(one)).toBe(70);
});

test("a route that another service has is not taken", async () => {
  await using one = await testEngine();
  const service = { id: "shop-1", name: "shop", address: "127.0.0.1", port: 1, meta: {} };
  one.cluster.services.set("shop-1", { ...service, tags: ["urlprefix-blog.test/"] });
  await expect(one.engine.place(testRelease(1), testContext())).rejects.toMatchObject({ code: "DOMAIN_TAKEN" });
  expect(one.cluster.changes).toEqual([]);
});

describe("somebody who registers or stops the job in the middle ends", () => {
  async function interrupted(
    step: "route" | "retire",
    interrupt: (one: TestEngine) => void,
  ): Promise<{ outcome: unknown; notes: string[] }> {
    await using one = await serving();
    one.cluster.nomad.isQuick = step === "retire";
    one.cluster.nomad.isSlow = true;
    const release = testRelease(2, { run: { ...testRun, count: 2, promote: "manual" } });
    await one.engine.place(release, testContext());
    if (step === "retire") one.cluster.nomad.promote(one.cluster.nomad.latest("blog").ID);
    const context = testContext();
    const waiting = one.engine[step](release, context).catch((error: unknown) => error);
    const looks = one.clock.waits.length;
    await until(() => one.clock.waits.length > looks + 3);
    interrupt(one);
    return { outcome: await waiting, notes: context.notes };
  }

  test("the waiting for a person", async () => {
    const { outcome } = await interrupted("route", edit);
    expect(outcome).toMatchObject({ code: "NOMAD_JOB_CHANGED" });
    const stopped = await interrupted("route", ({ cluster }) => cluster.nomad.stop("blog", false));
    expect(stopped.outcome).toMatchObject({ code: "NOMAD_JOB_CHANGED" });
  });

  test("the waiting for what is before it, which is not to be waited for any more", async () => {
    expect((await interrupted("retire", edit)).outcome).toBeUndefined();
  });

  test("the waiting for visitors, if it takes the instances away", async () => {
    await using one = await testEngine();
    one.cluster.nomad.isQuick = true;
    await one.engine.place(testRelease(1), testContext());
    for (const { ID } of one.cluster.nomad.running("blog")) one.cluster.hidden.add(ID);
    const waiting = one.engine.route(testRelease(1), testContext()).catch((error: unknown) => error);
    await until(() => one.cluster.changes.includes("POST /v1/job/blog/stable"));
    const looks = one.clock.waits.length;
    await until(() => one.clock.waits.length > looks + 3);
    one.cluster.nomad.stop("blog", true);
    expect(await waiting).toMatchObject({ code: "NOMAD_JOB_CHANGED" });
  });

  test("the first deployment's routes: nobody else's version is marked as good", async () => {
    await using one = await testEngine();
    one.cluster.nomad.isQuick = true;
    await one.engine.place(testRelease(1), testContext());
    one.cluster.nomad.isQuick = false;
    let isRegistered = false;
    one.cluster.onRequest = (request) => {
      if (isRegistered && request === "GET /v1/job/blog") {
        isRegistered = false;
        edit(one);
      }
      isRegistered ||= request === "POST /v1/jobs";
      return "answered";
    };
    await expect(one.engine.route(testRelease(1), testContext())).rejects.toMatchObject({ code: "NOMAD_JOB_CHANGED" });
    expect(one.cluster.nomad.current("blog")?.Stable).toBe(false);
  });
});
