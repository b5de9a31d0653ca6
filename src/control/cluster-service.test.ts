import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import { until } from "../../test/support/until.ts";
import { fakeConsul, type TestConsul } from "../consul/fakes.ts";
import type { AppDefinition } from "../config/index.ts";
import type { Deployer, RegistryPort } from "../deployer/index.ts";
import { knownJob } from "../engines/nomad/adopt/fakes.ts";
import type { ReleaseSpec } from "../engines/engine.ts";
import type { JobDiff, JobPlan } from "../nomad-api/index.ts";
import { fakeNomad, type TestNomad } from "../nomad-api/fakes.ts";
import { FakeClock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import { silentLogger } from "../shared/log.ts";
import { Cluster } from "./cluster-service.ts";

const image = `sha256:${"a".repeat(64)}`;
const other = `sha256:${"b".repeat(64)}`;
const repository = { repository: "registry.test:5000/team/blog", site: null };
const blog = testDefinition("blog", { image: repository });
const signal = AbortSignal.timeout(20_000);

const edited = (name: string): JobDiff => ({
  type: "Edited",
  name: "blog",
  fields: [
    { type: "Edited", name, old: "1", new: "2", annotations: [] },
    { type: "None", name: "Priority", old: "50", new: "50", annotations: [] },
  ],
  objects: [],
  groups: [],
});

/** The world around: an engine, a Nomad, a deployer with what it knows, a registry. */
class World {
  planned: ReleaseSpec[] = [];
  /** Of each that was planned, whether it was deployed before. */
  areFormer: boolean[] = [];
  plan: JobPlan = { diff: edited("Count"), updates: {}, placementFailures: {}, jobModifyIndex: 7n, warnings: "" };
  drift: { job: string; diff: JobDiff | undefined; isAdopted: boolean } | undefined;
  /** How often the engine was asked for it, and until when it does not answer. */
  asked = 0;
  answers: Promise<void> | undefined;
  /** How often it is refused to compare the job with that of the live release. */
  refuses = 0;
  accepted: string[] = [];
  adopted: string[][] = [];
  removal: { job: string; isStopped: boolean } | undefined;
  added: unknown[][] = [];
  definition: AppDefinition = blog;
  live: number | null = 2;
  /** Those that were live at any time. */
  wereLive = [1, 2];
  rows = [{ app: "blog", job: "blog", jobModifyIndex: 11n }];
  /** The index of the job that Nomad lists. */
  index = 11;
  /** Whether Nomad answers. */
  isAway = false;
  readonly clock = new FakeClock();

  cluster(nomad: TestNomad, consul: TestConsul): Cluster {
    const release = (number: number, of: string) => ({
      app: "blog",
      number,
      image: of,
      definition: blog,
      ref: `refs/tags/v${number}`,
      commit: "c",
      reference: null,
      live: number === this.live,
    });
    const deployer = {
      apps: () => [{ definition: this.definition }],
      app: (name: string) => {
        if (name === "blog") return { definition: this.definition };
        throw new SteppeError("APP_NOT_FOUND", { operation: "find", subject: name, cause: "there is no such app" });
      },
      releases: () => [release(2, image), release(1, other)],
      deployments: () => this.wereLive.map((number) => ({ release: number, state: "live" })),
      addApp: async (...args: unknown[]) => void this.added.push(args),
    } as unknown as Deployer;
    const registry: RegistryPort = {
      open: async () => ({
        resolve: async (reference) => (reference.endsWith(":v3") ? other : undefined),
        tags: async () => ["v1"],
        createdAt: async () => null,
        [Symbol.dispose]() {},
      }),
    };
    return new Cluster({
      engine: {
        plan: async (spec, { isFormer }) => {
          this.planned.push(spec);
          this.areFormer.push(isFormer);
          return this.plan;
        },
        drift: async ({ tag }) => {
          if (tag !== "v2") throw new Error("its own tag would be taken for somebody's change");
          this.asked++;
          await this.answers;
          if (this.refuses-- > 0)
            throw new SteppeError("CONFIG_INVALID", { operation: "deploy", subject: "blog", cause: "not any more" });
          return this.drift;
        },
        adoptedDrift: async () => this.drift && { ...this.drift, isAdopted: true },
        acceptDrift: async (app) => void this.accepted.push(app),
        adopt: async (...args) => void this.adopted.push(args),
        removal: async () => this.removal,
      },
      nomad: nomad.nomad,
      consul: consul.consul,
      addresses: { nomad: "http://nomad", consul: "http://consul" },
      settings: { datacenters: ["dc1"] },
      fabio: [],
      jobs: { all: () => this.rows, get: (app) => this.rows.find((row) => row.app === app) },
      deployer,
      registry,
      clock: this.clock,
      log: silentLogger,
    });
  }
}

let world: World;
let nomad: Awaited<ReturnType<typeof fakeNomad>>;
let consul: TestConsul;
let cluster: Cluster;

beforeEach(async () => {
  world = new World();
  nomad = await fakeNomad(({ method, target }, response) => {
    const path = target.split("?")[0] ?? "";
    response.setHeader("x-nomad-index", "20");
    if (world.isAway) return;
    const job = { ...knownJob(), JobModifyIndex: world.index, Version: 3 };
    if (path === "/v1/jobs") response.end(JSON.stringify([job, { ...job, ID: "other", Name: "other" }]));
    else if (path === "/v1/job/blog" || path === "/v1/job/other")
      response.end(JSON.stringify({ ...job, ID: path.slice(8) }));
    else if (method === "POST" && path.endsWith("/plan")) response.end('{"JobModifyIndex": 1, "Diff": null}');
    else response.writeHead(404).end("job not found");
  });
  consul = await fakeConsul((_, response) => response.end("[]"));
  cluster = world.cluster(nomad, consul);
});

afterEach(async () => {
  await nomad[Symbol.asyncDispose]();
  await consul[Symbol.asyncDispose]();
});

describe("a plan", () => {
  test("is of what is live as the definition has it now", async () => {
    world.plan = {
      ...world.plan,
      updates: { blog: { Canary: 1, Ignore: 0 } },
      warnings: "1 warning:\n\n* something\n",
      placementFailures: {
        blog: {
          nodesEvaluated: 1,
          nodesFiltered: 0,
          nodesExhausted: 1,
          nodesAvailable: { dc1: 1 },
          constraintFiltered: {},
          classFiltered: {},
          dimensionExhausted: { memory: 1 },
          classExhausted: {},
          quotaExhausted: [],
          coalescedFailures: 0,
        },
      },
    };
    const view = await cluster.plan("blog", {}, signal);
    expect(view).toMatchObject({
      app: "blog",
      job: "blog",
      release: null,
      image,
      updates: { blog: { Canary: 1 } },
      unplaced: { blog: "no node has a place for it: too little memory on 1 of 1 node" },
      warnings: ["1 warning:", "* something"],
    });
    expect(view.changes?.fields.map(({ name }) => name)).toEqual(["Count"]);
    expect(world.planned[0]).toMatchObject({ number: 2, image, tag: "v2", definition: blog });
  });

  test("of a changed definition is the next release; how often one was placed is no change", async () => {
    world.definition = { ...blog, run: { ...blog.run, count: 2 } };
    world.plan = { ...world.plan, diff: edited("Meta[steppe_attempt]") };
    expect((await cluster.plan("blog", {}, signal)).changes).toBeNull();
    expect(world.planned[0]).toMatchObject({ number: 3, image, definition: world.definition });
  });

  test("is of no image that could not be deployed", async () => {
    await expect(cluster.plan("blog", { image: "registry.test:5000/other/repo:v3" }, signal)).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      reason: "on a cluster an app runs images of its own repository, registry.test:5000/team/blog",
    });
    for (const reference of [repository.repository, `${repository.repository}:latest`])
      await expect(cluster.plan("blog", { image: reference }, signal)).rejects.toMatchObject({ code: "TAG_REFUSED" });
    expect(world.planned).toEqual([]);
  });

  test("of a kept release, or of an image of the registry", async () => {
    expect(await cluster.plan("blog", { release: 1 }, signal)).toMatchObject({ release: 1, image: other });
    expect(await cluster.plan("blog", { image: "registry.test:5000/team/blog:v3" }, signal)).toMatchObject({
      release: null,
      image: other,
    });
    world.wereLive = [2];
    await cluster.plan("blog", { release: 1 }, signal);
    expect(world.planned.map(({ number, tag }, at) => [number, tag, world.areFormer[at]].join())).toEqual([
      "1,v1,true",
      "3,v3,false",
      "1,v1,false",
    ]);
    await expect(cluster.plan("blog", { release: 9 }, signal)).rejects.toMatchObject({ code: "RELEASE_NOT_FOUND" });
    await expect(cluster.plan("blog", { image: `${repository.repository}:v9` }, signal)).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      reason: "the registry has no such image",
    });
    await expect(cluster.plan("shop", {}, signal)).rejects.toMatchObject({ code: "APP_NOT_FOUND" });
    world.live = null;
    await expect(cluster.plan("blog", {}, signal)).rejects.toMatchObject({ reason: "nothing of it is live yet" });
  });
});

describe("drift", () => {
  test("is what somebody changed, and not what would change it back", async () => {
    expect(await cluster.drift("blog")).toBeUndefined();
    world.drift = { job: "blog", diff: edited("Count"), isAdopted: false };
    expect(await cluster.drift("blog")).toEqual({
      app: "blog",
      job: "blog",
      version: 3,
      changedAt: expect.any(Number) as number,
      since: "registered",
      changes: expect.objectContaining({
        fields: [expect.objectContaining({ name: "Count", old: "2", new: "1" })],
      }) as JobDiff,
    });
    world.drift = { job: "gone", diff: undefined, isAdopted: false };
    expect(await cluster.drift("blog")).toMatchObject({ version: null, changedAt: null, changes: null });
  });

  test("may be overwritten wherever the job has another index than is known", async () => {
    expect(await cluster.overwriteDrift("blog")).toBeUndefined();
    expect(world.accepted).toEqual([]);
    world.index = 12;
    expect(await cluster.overwriteDrift("blog")).toBeUndefined();
    world.drift = { job: "blog", diff: edited("Count"), isAdopted: false };
    expect(await cluster.overwriteDrift("blog")).toMatchObject({ version: 3 });
    expect(world.accepted).toEqual(["blog", "blog"]);
    world.rows = [{ app: "blog", job: "gone", jobModifyIndex: 11n }];
    world.drift = { job: "gone", diff: undefined, isAdopted: false };
    expect(await cluster.overwriteDrift("blog")).toMatchObject({ version: null });
    expect(world.accepted).toHaveLength(2);
  });

  test("of a job that was taken over is told before anything is live", async () => {
    world.live = null;
    world.index = 12;
    world.drift = { job: "blog", diff: edited("Count"), isAdopted: true };
    expect(await cluster.drift("blog")).toMatchObject({ version: 3, since: "adopted" });
    expect(await cluster.drifted()).toEqual(new Set(["blog"]));
    expect((await cluster.drifts()).map(({ app }) => app)).toEqual(["blog"]);
  });

  test("of all apps is asked for with one question, where no index is another", async () => {
    world.drift = { job: "blog", diff: edited("Count"), isAdopted: false };
    expect(await cluster.drifts()).toEqual([]);
    expect(await cluster.drifted()).toEqual(new Set());
    world.index = 12;
    expect((await cluster.drifts()).map(({ app }) => app)).toEqual(["blog"]);
    expect(await cluster.drifted()).toEqual(new Set(["blog"]));
    world.drift = undefined; // Nomad went back by itself
    expect(await cluster.drifted()).toEqual(new Set());
    world.rows = [];
    world.isAway = true;
    expect(await cluster.drifted()).toEqual(new Set());
  });

  test("that cannot be compared with the live release is told as such, beside that of others, and may be overwritten", async () => {
    world.rows = [...world.rows, { app: "blog", job: "other", jobModifyIndex: 1n }];
    world.index = 12;
    world.drift = { job: "blog", diff: edited("Count"), isAdopted: false };
    world.refuses = 1;
    const unsaid = { app: "blog", job: "blog", version: 3, since: "registered", changes: null };
    expect(await cluster.drifts()).toMatchObject([unsaid, { app: "blog", changes: { type: "Edited" } }]);
    world.refuses = 2;
    expect(await cluster.drifted()).toEqual(new Set(["blog"]));
    world.refuses = 1;
    expect(await cluster.overwriteDrift("blog")).toMatchObject(unsaid);
    expect(world.accepted).toEqual(["blog"]);
  });

  test("of one app is asked for by its job alone", async () => {
    world.drift = { job: "blog", diff: edited("Count"), isAdopted: false };
    expect(await cluster.drifted("blog")).toEqual(new Set());
    expect(nomad.seen.map(({ target }) => target.split("?")[0])).toEqual(["/v1/job/blog"]);
    world.index = 12;
    expect(await cluster.drifted("blog")).toEqual(new Set(["blog"]));
    expect(nomad.seen.every(({ target }) => !target.startsWith("/v1/jobs"))).toBe(true);
    expect(await cluster.drifted("shop")).toEqual(new Set());
  });

  test("a Nomad that is away keeps no status waiting", async () => {
    world.isAway = true;
    const drifted = cluster.drifted();
    await world.clock.advance(2000);
    expect(await drifted).toBeUndefined();
  });

  test("is looked for no further when nobody waits for it any more", async () => {
    world.index = 12;
    world.rows = [...world.rows, ...world.rows];
    const { promise, resolve } = Promise.withResolvers<void>();
    world.answers = promise;
    const drifted = cluster.drifted();
    await until(() => world.asked === 1);
    await world.clock.advance(2000);
    expect(await drifted).toBeUndefined();
    resolve();
    await new Promise(setImmediate);
    expect(world.asked).toBe(1);
  });
});

test("what becomes of a job when its app is removed is the engine's word; one of its user's own goes on", async () => {
  expect(await cluster.removal("blog")).toEqual({ app: "blog", job: null, isStopped: false });
  world.removal = { job: "blog", isStopped: true };
  expect(await cluster.removal("blog")).toEqual({ app: "blog", job: "blog", isStopped: true });
  world.removal = undefined;
  const compatible = { job: "old-blog", key: "k", service: null, webhook: null, minHealthyMs: 0, healthyDeadlineMs: 1 };
  world.definition = testDefinition("blog", { compatible });
  expect(await cluster.removal("blog")).toEqual({ app: "blog", job: "old-blog", isStopped: false });
});

describe("adopting a job", () => {
  beforeEach(() => {
    world.rows = [];
    world.definition = testDefinition("shop");
  });

  test("changes nothing, unless that is asked for", async () => {
    const adoption = await cluster.adopt({ job: "blog" });
    expect(adoption).toMatchObject({
      app: "blog",
      job: "blog",
      image: "registry.test:5000/team/blog:v5",
      changes: null,
      taken: null,
    });
    expect(adoption.definition).toMatchObject({
      name: "blog",
      domains: ["blog.test"],
      run: { port: 8080 },
      image: repository,
    });
    expect([world.adopted, world.added]).toEqual([[], []]);
    await cluster.adopt({ job: "blog", take: "mark" });
    expect([world.adopted, world.added]).toEqual([[["blog", "blog"]], []]);
  });

  test("adds the app paused, so that nothing is deployed before somebody has looked", async () => {
    const { definition } = await cluster.adopt({ job: "blog", take: "add" });
    expect(world.added).toEqual([[definition, { paused: "it was adopted from Nomad, and is not deployed yet" }]]);
    expect(world.adopted).toEqual([["blog", "blog"]]);
  });

  test("under another name is a jobspec of one's own", async () => {
    const { app, definition } = await cluster.adopt({ job: "other", app: "blog2", domains: ["a.test"], take: "mark" });
    expect([app, definition.name, definition.domains]).toEqual(["blog2", "blog2", ["a.test"]]);
    expect(definition.job).toContain('"ID": "other"');
    expect(world.adopted).toEqual([["blog2", "other"]]);
  });

  test("is not done to an app that has another job", async () => {
    world.rows = [{ app: "shop", job: "shop", jobModifyIndex: 1n }];
    const asked = { job: "other", app: "shop" };
    await expect(cluster.adopt({ ...asked, take: "mark" })).rejects.toMatchObject({
      code: "APP_EXISTS",
      reason: "the app shop has the job shop already",
    });
    expect(world.adopted).toEqual([]);
    // One that was only marked, and never became an app, holds nobody up.
    world.definition = blog;
    await cluster.adopt({ ...asked, domains: ["a.test"], take: "mark" });
    expect(world.adopted).toEqual([["shop", "other"]]);
  });

  test("that is not there, or an app's already, is refused", async () => {
    await expect(cluster.adopt({ job: "gone" })).rejects.toMatchObject({ code: "NOMAD_NOT_FOUND" });
    world.rows = [{ app: "shop", job: "blog", jobModifyIndex: 1n }];
    await expect(cluster.adopt({ job: "blog" })).rejects.toMatchObject({
      code: "APP_EXISTS",
      reason: "it is the job of the app shop",
    });
  });
});
