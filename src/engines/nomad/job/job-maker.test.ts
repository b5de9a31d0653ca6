import { describe, expect, test } from "vitest";
import { FakeCluster } from "../../../../test/support/fake-cluster.ts";
import { fakeNomad } from "../../../nomad-api/fakes.ts";
import type { JobSpec, UpdateSpec } from "../../../nomad-api/index.ts";
import { testRelease } from "../../../../test/support/test-engine.ts";
import { FakeClock } from "../../../shared/clock.ts";
import { JobMaker } from "./job-maker.ts";

const own = (change: Partial<JobSpec> = {}, update?: UpdateSpec): JobSpec => ({
  ID: "blog",
  TaskGroups: [
    {
      Name: "web",
      ...(update === undefined ? {} : { Update: update }),
      Tasks: [{ Name: "web", Driver: "docker", Config: { image: "registry.test/blog:1" } }],
    },
  ],
  ...change,
});

/** Groups of so many instances each. */
function idle(...counts: number[]): JobSpec {
  const [group] = own().TaskGroups ?? [];
  return own({ TaskGroups: counts.map((Count, at) => ({ ...group, Name: `web${at}`, Count })) });
}

async function made(parsed: JobSpec, times = 1, { isNew = true } = {}) {
  const cluster = new FakeCluster();
  cluster.parsed = parsed;
  await using fake = await fakeNomad(cluster.answerNomad);
  const maker = new JobMaker(fake.nomad, { datacenters: ["dc1"] }, new FakeClock());
  const jobs: JobSpec[] = [];
  for (let at = 0; at < times; at++) {
    const release = testRelease(at + 1, { job: 'job "blog" {}' });
    jobs.push(await (isNew ? maker.makeNew(release, 0) : maker.make(release, 0)));
  }
  return { jobs, asked: fake.seen.map(({ target }) => target) };
}

describe("where nothing is said of datacenters", () => {
  async function datacenters(answer: (cluster: FakeCluster) => object | undefined): Promise<unknown> {
    const cluster = new FakeCluster();
    await using fake = await fakeNomad((seen, response) => {
      const other = answer(cluster);
      if (other === undefined) cluster.answerNomad(seen, response);
      else response.end(JSON.stringify(other));
    });
    const maker = new JobMaker(fake.nomad, { datacenters: [] }, new FakeClock());
    return (await maker.make(testRelease(1), 0)).Datacenters;
  }

  test("instances may be in all that have nodes", async () => {
    expect(await datacenters(() => undefined)).toEqual(["dc1", "dc2"]);
  });

  test("they are asked for once in five seconds, for all jobs that are made meanwhile", async () => {
    await using fake = await fakeNomad(new FakeCluster().answerNomad);
    const clock = new FakeClock();
    const maker = new JobMaker(fake.nomad, { datacenters: [] }, clock);
    const make = (number: number): Promise<JobSpec> => maker.make(testRelease(number), 0);
    await Promise.all([make(1), make(2), make(3)]);
    await make(4);
    expect(fake.seen.length).toBeLessThanOrEqual(2);
    const before = fake.seen.length;
    await clock.advance(5000);
    await make(5);
    expect(fake.seen.length).toBe(before + 1);
  });

  test("and in Nomad's own default while there are no nodes", async () => {
    expect(await datacenters(() => [])).toEqual(["dc1"]);
  });
});

describe("a jobspec of the user's own", () => {
  test("is parsed by Nomad, once for all releases that have it", async () => {
    const { jobs, asked } = await made(own(), 3);
    expect(jobs.map((job) => job.Meta?.["steppe_release"])).toEqual(["1", "2", "3"]);
    expect(asked.filter((target) => target.includes("/parse"))).toHaveLength(1);
  });

  test.each<[what: string, job: JobSpec]>([
    ["no word of updates", own()],
    ["updates of the job", own({ Update: { MaxParallel: 1 } })],
    ["updates of its group, though the job has none", own({ Update: { MaxParallel: 0 } }, { MaxParallel: 2 })],
    ["the type service", own({ Type: "service" })],
    ["instances in one of its groups", idle(2, 0)],
  ])("with %s has deployments", async (_, job) => {
    expect((await made(job)).jobs[0]?.TaskGroups?.[0]?.Tasks?.[0]?.Config?.["image"]).toMatch(/^registry.test\/blog@/);
  });

  test("one that is made without instances is refused as well", async () => {
    await using fake = await fakeNomad(new FakeCluster().answerNomad);
    const nomad = { job: {}, group: { Count: 0 }, task: {}, service: {} };
    const making = new JobMaker(fake.nomad, { datacenters: ["dc1"] }, new FakeClock()).makeNew(
      testRelease(1, { nomad }),
      0,
    );
    await expect(making).rejects.toMatchObject({ code: "NOMAD_JOB_INVALID", reason: "its group has `count = 0`" });
  });

  test("a former one without instances is made again as it was, and a new one refused", async () => {
    expect((await made(idle(0), 1, { isNew: false })).jobs).toHaveLength(1);
    await expect(made(idle(0))).rejects.toMatchObject({ code: "NOMAD_JOB_INVALID" });
  });

  test.each<[what: string, job: JobSpec]>([
    ["of another namespace", own({ Namespace: "other" })],
    ["that says it is stopped", own({ Stop: true })],
  ])(
    "one %s is refused, also a former one: its deployment would be looked for in vain, without end",
    async (_, job) => {
      for (const isNew of [true, false])
        await expect(made(job, 1, { isNew })).rejects.toMatchObject({ code: "NOMAD_JOB_INVALID" });
    },
  );

  test.each([
    ['namespace = "default"', { Namespace: "default" }, "it is of the namespace default, and Steppe's is web"],
    ['region = "global"', { Region: "global" }, "it is of the region global, and Steppe's is eu"],
    ['meta { namespace = "of what", region = "of what" }', {}, undefined],
    ["", {}, undefined],
  ])("in HCL that says %j is known from one for which Nomad fills that in", async (line, said, reason) => {
    const parsed: unknown[] = [];
    await using fake = await fakeNomad((seen, response) => {
      const { Canonicalize = false } = JSON.parse(String(seen.body)) as { Canonicalize?: boolean };
      parsed.push(Canonicalize);
      const filledIn = Canonicalize ? { Namespace: "default", Region: "global" } : {};
      response.end(JSON.stringify(own({ ...filledIn, ...said })));
    });
    const settings = { datacenters: ["dc1"], namespace: "web", region: "eu" };
    const making = new JobMaker(fake.nomad, settings, new FakeClock());
    const made = making.makeNew(testRelease(1, { job: `job "blog" {\n${line}\n}` }), 0);
    if (reason === undefined) expect(await made).toMatchObject({ Namespace: "web", Region: "eu" });
    else await expect(made).rejects.toMatchObject({ code: "NOMAD_JOB_INVALID", reason });
    expect(parsed).toEqual(line === "" ? [true] : [true, false]);
  });

  test.each<[what: string, job: JobSpec, cause: RegExp]>([
    ["of another type", own({ Type: "batch" }), /its type is batch, and only a service has deployments/],
    ["without updates", own({ Update: { MaxParallel: 0 } }), /its group web has `max_parallel = 0`/],
    ["with a group without updates", own({ Update: { MaxParallel: 2 } }, { MaxParallel: 0 }), /its group web/],
    ["without instances", idle(0), /its group has `count = 0`/],
    ["without instances in any of its groups", idle(0, 0), /all of its groups have `count = 0`/],
    [
      "of another image",
      { ID: "blog", TaskGroups: [] },
      /no task of the job blog runs an image of registry.test\/blog/,
    ],
  ])("%s is refused, since nothing would tell how it fares", async (_, job, cause) => {
    await expect(made(job)).rejects.toMatchObject({ code: "NOMAD_JOB_INVALID", reason: expect.stringMatching(cause) });
  });
});
