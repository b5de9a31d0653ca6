import { expect, test } from "vitest";
import type { EngineContext, ReleaseSpec } from "../../src/engines/engine.ts";
import type { NomadEngine } from "../../src/engines/nomad/index.ts";
import { nomadOptions, openNomad } from "../../src/nomad-api/index.ts";
import { ClusterHarness, CLUSTER_RUN } from "../support/cluster/cluster-harness.ts";

/** On a real cluster a minute of waiting takes a minute. */
const TIMEOUT = { timeout: 240_000 };
const page = (text: string): Record<string, string> => ({ "index.html": text });

/** Keeps what the engine notes. */
function listen(): EngineContext & { notes: string[] } {
  const notes: string[] = [];
  const { signal } = new AbortController();
  return { signal, notes, progress() {}, awaitsPromotion() {}, note: (message) => void notes.push(message) };
}

async function deploy(engine: NomadEngine, release: ReleaseSpec, context: EngineContext = listen()): Promise<void> {
  await engine.place(release, context);
  await engine.awaitHealthy(release, context);
  await engine.route(release, context);
  await engine.retire(release, context);
}

/** Deploys what is bad, as the deployer does: what proved bad is taken away. Resolves with why. */
async function failing(engine: NomadEngine, release: ReleaseSpec, context: EngineContext = listen()): Promise<unknown> {
  try {
    await deploy(engine, release, context);
  } catch (error) {
    await engine.abandon(release);
    return error;
  }
  throw new Error(`release ${release.number} went live`);
}

/** The release that serves, and nothing else is there. */
async function expectLive(harness: ClusterHarness, app: string, release: number, body: string): Promise<void> {
  expect(await harness.visit(`${app}.test`, "/")).toEqual({ status: 200, body });
  expect(await harness.engine().instances(app)).toEqual([{ app, release, routed: true }]);
}

test("a first deployment goes live", TIMEOUT, async () => {
  await using harness = await ClusterHarness.open("first-deployment");
  const told = listen();
  await deploy(harness.engine(), await harness.release("app-first", 1, page("one")), told);
  await expectLive(harness, "app-first", 1, "one");
  expect(told.notes).toEqual([]);
});

test("a new version takes the place of the old one", TIMEOUT, async () => {
  await using harness = await ClusterHarness.open("new-version");
  const engine = harness.engine();
  await deploy(engine, await harness.release("app-newer", 1, page("one")));
  await deploy(engine, await harness.release("app-newer", 2, page("two")));
  await expectLive(harness, "app-newer", 2, "two");
});

test("a broken check: the answer that came is told, and the old version serves", TIMEOUT, async () => {
  await using harness = await ClusterHarness.open("broken-check");
  const engine = harness.engine();
  await deploy(engine, await harness.release("app-broken", 1, page("one")));
  const bad = await harness.release("app-broken", 2, { "other.html": "two" });
  expect(await failing(engine, bad)).toMatchObject({
    code: "CHECK_FAILED",
    reason: "GET / answered 404, expected 200–399",
  });
  await expectLive(harness, "app-broken", 1, "one");
});

test("a crash loop: how the program ends is told, and the old version serves", TIMEOUT, async () => {
  await using harness = await ClusterHarness.open("crash-loop");
  const engine = harness.engine();
  await deploy(engine, await harness.release("app-crashes", 1, page("one")));
  const run = { ...CLUSTER_RUN, args: ["-no-such-option"] };
  const bad = await harness.release("app-crashes", 2, page("two"), { run });
  expect(await failing(engine, bad)).toMatchObject({
    code: "INSTANCE_FAILED",
    reason: expect.stringMatching(/exit/i) as string,
  });
  await expectLive(harness, "app-crashes", 1, "one");
});

test("a missing image: which one is told, and the old version serves", TIMEOUT, async () => {
  await using harness = await ClusterHarness.open("missing-image");
  const engine = harness.engine();
  await deploy(engine, await harness.release("app-no-image", 1, page("one")));
  const bad = { ...(await harness.release("app-no-image", 2, page("two"))), image: `sha256:${"0".repeat(64)}` };
  const error = await failing(engine, bad);
  expect(error).toMatchObject({ code: "INSTANCE_FAILED", reason: expect.stringContaining(bad.image) as string });
  await expectLive(harness, "app-no-image", 1, "one");
});

test("one that finds no place: what is lacking is told at once, and the old version serves", TIMEOUT, async () => {
  await using harness = await ClusterHarness.open("unplaceable");
  const engine = harness.engine();
  await deploy(engine, await harness.release("app-too-big", 1, page("one")));
  const bad = await harness.release("app-too-big", 2, page("two"), { run: { ...CLUSTER_RUN, memory: 9_000_000 } });
  const told = listen();
  expect(await failing(engine, bad, told)).toMatchObject({
    code: "PLACEMENT_FAILED",
    reason: expect.stringContaining("memory") as string,
  });
  expect(told.notes).toEqual([expect.stringContaining("memory")]);
  await expectLive(harness, "app-too-big", 1, "one");
});

test("superseded while it is not healthy yet: its canaries go, and the newer one takes over", TIMEOUT, async () => {
  await using harness = await ClusterHarness.open("superseded");
  const engine = harness.engine();
  await deploy(engine, await harness.release("app-overtaken", 1, page("one")));
  const slow = await harness.release("app-overtaken", 2, page("two"), {
    run: { ...CLUSTER_RUN, minHealthyMs: 30_000 },
  });
  const newer = await harness.release("app-overtaken", 3, page("three"));
  const overtaken = new AbortController();
  const reason = new Error("a newer deployment takes its place");
  const isBegun = Promise.withResolvers<void>();
  const context = { ...listen(), signal: overtaken.signal, progress: () => isBegun.resolve() };
  await engine.place(slow, context);
  const waiting = engine.awaitHealthy(slow, context).catch((error: unknown) => error);
  await isBegun.promise;
  overtaken.abort(reason);
  expect(await waiting).toBe(reason);
  await engine.abandon(slow);
  await expectLive(harness, "app-overtaken", 1, "one");
  await deploy(engine, newer);
  await expectLive(harness, "app-overtaken", 3, "three");
});

test("somebody else's change before a deployment: it is refused, until it may be overwritten", TIMEOUT, async () => {
  await using harness = await ClusterHarness.open("changed-before");
  const engine = harness.engine();
  const first = await harness.release("app-changed", 1, page("one"));
  await deploy(engine, first);
  await scale(harness, "app-changed", 2);
  const second = await harness.release("app-changed", 2, page("two"));
  expect(await failing(engine, second)).toMatchObject({
    code: "NOMAD_JOB_CHANGED",
    reason: "somebody changed the job app-changed since Steppe registered it",
  });
  expect((await harness.visit("app-changed.test", "/")).body).toBe("one");
  expect((await engine.drift(first))?.diff?.type).toBe("Edited");
  await engine.acceptDrift("app-changed");
  await deploy(engine, second);
  await expectLive(harness, "app-changed", 2, "two");
});

test(
  "somebody else's change in the middle of a deployment: it is told, and nothing of theirs is undone",
  TIMEOUT,
  async () => {
    await using harness = await ClusterHarness.open("changed-meanwhile");
    const engine = harness.engine();
    await deploy(engine, await harness.release("app-contested", 1, page("one")));
    // One that does not become healthy by itself: there is time to change it.
    const check = { path: "/", status: [200, 299] as [number, number], contains: null, timeoutMs: 5_000 };
    const second = await harness.release("app-contested", 2, page("two"), {
      check,
      run: { ...CLUSTER_RUN, minHealthyMs: 20_000 },
    });
    const context = listen();
    await engine.place(second, context);
    const waiting = engine.awaitHealthy(second, context);
    const outcome = waiting.then(
      () => "healthy",
      (error: unknown) => error,
    );
    await scale(harness, "app-contested", 2);
    expect(await outcome).toMatchObject({ code: "NOMAD_JOB_CHANGED" });
    expect((await harness.visit("app-contested.test", "/")).body).toBe("one");
  },
);

test("Nomad's agent restarted in the middle: the deployment comes to its end", TIMEOUT, async (context) => {
  await using harness = await ClusterHarness.open("nomad-restarted");
  if (!harness.cluster.controllable) context.skip("CLUSTER_CONTROL names no program that stops and starts services");
  const engine = harness.engine();
  await deploy(engine, await harness.release("app-restarted", 1, page("one")));
  const told = listen();
  const second = await harness.release("app-restarted", 2, page("two"), {
    run: { ...CLUSTER_RUN, minHealthyMs: 3000 },
  });
  await engine.place(second, told);
  const waiting = engine.awaitHealthy(second, told);
  await harness.cluster.control("stop", "nomad");
  expect((await harness.visit("app-restarted.test", "/")).body).toBe("one");
  await harness.cluster.control("start", "nomad");
  await waiting;
  await engine.route(second, told);
  await engine.retire(second, told);
  await expectLive(harness, "app-restarted", 2, "two");
});

test(
  "Consul gone for a minute: the old version serves meanwhile, and the deployment comes to its end",
  TIMEOUT,
  async (context) => {
    await using harness = await ClusterHarness.open("consul-gone");
    const { cluster } = harness;
    if (!cluster.controllable) context.skip("CLUSTER_CONTROL names no program that stops and starts services");
    const engine = harness.engine();
    await deploy(engine, await harness.release("app-unheard", 1, page("one")));
    const told = listen();
    const run = { ...CLUSTER_RUN, healthyDeadlineMs: 300_000 };
    const second = await harness.release("app-unheard", 2, page("two"), { run });
    await engine.place(second, told);
    const rest = (async () => {
      await engine.awaitHealthy(second, told);
      await engine.route(second, told);
      await engine.retire(second, told);
    })();
    await cluster.control("kill", "consul");
    await cluster.clock.sleep(60_000);
    const meanwhile = await harness.visit("app-unheard.test", "/");
    await cluster.control("start", "consul");
    await rest;
    expect(meanwhile.body).toBe("one");
    await expectLive(harness, "app-unheard", 2, "two");
  },
);

/** What somebody does with Nomad's own program: registers the job that is there with another count. */
async function scale({ cluster }: ClusterHarness, jobId: string, count: number): Promise<void> {
  const nomad = openNomad(nomadOptions({ NOMAD_ADDR: cluster.addresses.nomad }), { clock: cluster.clock });
  const { value: job } = await nomad.jobs.read(jobId);
  const [group] = job?.spec.TaskGroups ?? [];
  if (job === undefined || group === undefined) throw new Error(`there is no job ${jobId}`);
  await nomad.jobs.register({ ...job.spec, TaskGroups: [{ ...group, Count: count }] });
  nomad[Symbol.dispose]();
}
