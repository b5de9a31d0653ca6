import { beforeEach, describe, expect, test } from "vitest";
import { testDefinition, testRun } from "../../test/support/test-definition.ts";
import { SteppeError } from "../shared/errors.ts";
import { AppMarks } from "./app-marks.ts";
import { AppDeployer } from "./deployer.ts";
import { ended, FakeWorld, settle } from "./fakes.ts";
import { Journal } from "./journal.ts";
import type { Deployment } from "./types.ts";

let world: FakeWorld;
let deployer: AppDeployer;

/** A call of the engine that comes to no end, until Steppe is told to stop. */
const hang = (name: string): void => {
  world.engine.trouble = (call) => (call === name ? new Promise(() => {}) : undefined);
};

beforeEach(async () => {
  world = new FakeWorld();
  world.isCluster = true;
  deployer = new AppDeployer(world);
  await deployer.start();
  const image = { repository: "registry.test/blog", site: null };
  await deployer.addApp(testDefinition("blog", { image, run: { ...testRun, promote: "manual" } }));
  await push("v1");
});

async function push(tag: string): Promise<Deployment> {
  world.sources.push("blog", `refs/tags/${tag}`, tag);
  const { queued } = await deployer.refsChanged("blog", "test");
  await settle();
  return deployer.deployment(queued[0]?.id ?? 0);
}

/** Another process in the place of this one, to which nothing happens any more; what it is to do takes no time. */
async function restart(): Promise<void> {
  world.engine.trouble = () => {};
  world.engine.calls.length = 0;
  deployer = new AppDeployer(world);
  await deployer.start();
  await settle();
}

async function notesOf(id: number): Promise<string[]> {
  const notes: string[] = [];
  for await (const { event, message } of deployer.events(id, AbortSignal.abort()))
    if (event === "note") notes.push(message);
  return notes;
}

/** Nomad is away when something is to be taken away, until there is no trouble any more. */
function abandoningFails(): void {
  world.engine.trouble = (call) => {
    if (call !== "abandon") return;
    throw new SteppeError("NOMAD_UNREACHABLE", { operation: "stop", subject: "blog", cause: "no answer" });
  };
}

const calls = (...names: string[]): string[] =>
  world.engine.calls.filter((call) => names.some((name) => call.startsWith(`${name} `)));

describe("the end of a deployment that failed", () => {
  test("does not keep Steppe from stopping, and is gone on with at the next start", async () => {
    world.engine.unhealthy = ({ number }) => number === 2;
    hang("abandon");
    const failing = await push("v2");
    expect(failing).toMatchObject({ state: "placed", finishedAt: null, error: { code: "CHECK_FAILED" } });
    await deployer.stop();
    expect(deployer.deployment(failing.id)).toMatchObject({ state: "placed", finishedAt: null });
    world.engine.unhealthy = () => false; // it is not asked once more
    await restart();
    const error = { code: "CHECK_FAILED", cause: "GET / answered 404", hint: expect.any(String) as string };
    expect(deployer.deployment(failing.id)).toMatchObject({ state: "failed", error });
    expect(deployer.deployment(failing.id).error?.hint.match(/To try the same again/g)).toHaveLength(1);
    expect(calls("place", "awaitHealthy", "abandon")).toEqual(["abandon blog 2"]);
    expect(world.engine.routed.get("blog")?.number).toBe(1);
  });

  test("tells of what could not be taken away", async () => {
    world.engine.unhealthy = ({ number }) => number === 2;
    world.engine.trouble = (call) => {
      if (call !== "abandon") return;
      throw new SteppeError("NOMAD_DENIED", { operation: "fail the deployment", subject: "d", cause: "it is denied" });
    };
    const { id, state, error } = await push("v2");
    expect([state, error?.code]).toEqual(["failed", "CHECK_FAILED"]);
    expect((await notesOf(id)).at(-1)).toBe(
      "what it placed could not be taken away, and is left to the next deployment of blog: it is denied",
    );
  });

  test("nor is it forgotten by a crash", async () => {
    world.engine.unhealthy = ({ number }) => number === 2;
    hang("abandon");
    const failing = await push("v2");
    await restart();
    expect(deployer.deployment(failing.id)).toMatchObject({ state: "failed", error: { code: "CHECK_FAILED" } });
    expect(calls("awaitHealthy", "abandon")).toEqual(["abandon blog 2"]);
  });
});

describe("canaries that a person rejected", () => {
  test("are told as being taken away, and after a crash nobody is asked once more", async () => {
    const waiting = await push("v2");
    hang("abandon");
    const rejected = deployer.rejectCanaries("blog", undefined);
    expect(rejected).toMatchObject({ hold: null, finishedAt: null, error: { cause: "its canaries were rejected" } });
    await settle();
    await restart();
    expect(deployer.deployment(waiting.id)).toMatchObject({ state: "failed", error: { code: "DEPLOYMENT_REJECTED" } });
    expect(calls("route", "abandon")).toEqual(["abandon blog 2", "route blog 1"]);
  });

  test("are taken away when Nomad is back, if it was away for too long meanwhile", async () => {
    const waiting = await push("v2");
    abandoningFails();
    deployer.rejectCanaries("blog", undefined);
    await settle();
    await world.clock.advance(5000);
    await settle();
    expect(calls("abandon")).toEqual(["abandon blog 2", "abandon blog 2"]); // and not on and on
    expect(deployer.deployment(waiting.id)).toMatchObject({ finishedAt: null, error: { code: "DEPLOYMENT_REJECTED" } });
    world.engine.trouble = () => {};
    await world.clock.advance(5000);
    await settle();
    expect(deployer.deployment(waiting.id)).toMatchObject({ state: "failed", error: { code: "DEPLOYMENT_REJECTED" } });
    expect([...(world.engine.placed.get("blog") ?? [])]).toEqual([1]);
  });

  test("are taken away at once, though their deployment was to be taken up again only later", async () => {
    const waiting = await push("v2");
    const away = new SteppeError("NOMAD_UNREACHABLE", { operation: "deploy", subject: "blog", cause: "no answer" });
    world.engine.trouble = (call) => (call === "abandon" ? Promise.reject(away) : undefined);
    world.engine.canaries.get("blog")?.reject(away);
    await settle();
    expect(deployer.deployment(waiting.id)).toMatchObject({ state: "healthy", error: null });
    world.engine.trouble = () => {};
    deployer.rejectCanaries("blog", undefined);
    expect(await ended(deployer, waiting)).toMatchObject({ state: "failed", error: { code: "DEPLOYMENT_REJECTED" } });
  });

  test("do not keep their app from being removed meanwhile", async () => {
    const waiting = await push("v2");
    abandoningFails();
    deployer.rejectCanaries("blog", undefined);
    await settle();
    const told: string[] = [];
    const following = (async () => {
      for await (const { event } of deployer.events(waiting.id, new AbortController().signal)) told.push(event);
    })();
    await deployer.removeApp("blog");
    expect(deployer.apps()).toEqual([]);
    await following;
    expect(told.at(-1)).toBe("failed");
  });

  test("give a changed definition no content: that is made of what is live", async () => {
    await push("v2");
    hang("abandon");
    const { definition } = deployer.app("blog");
    deployer.rejectCanaries("blog", undefined);
    const change = { dryRun: false, prune: false, requestId: "test" };
    const { deployments } = await deployer.apply([{ ...definition, folder: "public" }], change);
    expect(deployments.map(({ source }) => source)).toEqual([{ kind: "ref", ref: "refs/tags/v1", commit: "v1" }]);
  });

  test("before they were taken up again are as well", async () => {
    const waiting = await push("v2");
    await deployer.stop();
    deployer = new AppDeployer(world);
    deployer.rejectCanaries("blog", waiting.id);
    await deployer.start();
    expect(await ended(deployer, waiting)).toMatchObject({ state: "failed", error: { code: "DEPLOYMENT_REJECTED" } });
  });

  test("or that a newer one took the place of", async () => {
    const older = await push("v2");
    hang("abandon");
    const newer = await push("v3");
    await restart();
    await settle();
    expect(deployer.deployment(older.id)).toMatchObject({ state: "superseded" });
    expect(deployer.deployment(newer.id)).toMatchObject({ state: "healthy", hold: { kind: "promotion" } });
    expect(calls("route")).toEqual(["route blog 1", "route blog 3"]);
  });
});

describe("what served before a release that is live", () => {
  async function goLive(): Promise<Deployment> {
    hang("retire");
    const waiting = await push("v2");
    await deployer.promote("blog", undefined);
    await settle();
    expect(deployer.deployment(waiting.id)).toMatchObject({ state: "live" });
    return waiting;
  }

  test("is taken away at the next start, if that was not done, and once", async () => {
    await goLive();
    await restart();
    expect(calls("retire")).toEqual(["retire blog 2"]);
    expect([...(world.engine.placed.get("blog") ?? [])]).toEqual([2]);
    await deployer.stop();
    await restart();
    expect(calls("retire")).toEqual([]);
  });

  test("does not keep Steppe from stopping, nor the app's next deployment from its turn", async () => {
    await goLive();
    await deployer.stop();
    await restart();
    expect(calls("retire")).toEqual(["retire blog 2"]);
    expect(await push("v3")).toMatchObject({ state: "healthy", hold: { kind: "promotion" } });
  });

  test("is told of to whatever has to wait for its end", async () => {
    await goLive();
    const { id } = await push("v3");
    expect(deployer.deployment(id)).toMatchObject({ state: "queued" });
    expect(await notesOf(id)).toEqual([
      "blog tag v2 is live; waits until the instances that served before it have ended",
    ]);
    await deployer.stop();
    await restart();
    expect(deployer.deployment(id)).toMatchObject({ state: "healthy", hold: { kind: "promotion" } });
  });

  test("keeps nobody waiting who goes back, nor one who does so next", async () => {
    await goLive();
    for (const release of [1, 2]) {
      const { id } = await deployer.rollback("blog", release, { requestId: "test" });
      await settle();
      expect(deployer.deployment(id)).toMatchObject({ state: "live", release });
      expect(await notesOf(id)).toEqual([]);
    }
    expect(calls("retire")).toEqual([1, 2, 1, 2].map((release) => `retire blog ${release}`));
  });

  test("keeps nobody waiting who goes back as the process ends and another begins", async () => {
    await goLive();
    await deployer.stop();
    const journal = new Journal(world.store, world.clock);
    const source = { kind: "rollback", release: 1 } as const;
    const id = journal.insert("blog", source, { requestId: "test", byItself: false });
    world.engine.calls.length = 0;
    deployer = new AppDeployer(world);
    await deployer.start();
    await settle();
    expect(deployer.deployment(id)).toMatchObject({ state: "live" });
    expect(calls("retire")).toEqual(["retire blog 2", "retire blog 1"]);
  });

  test("is tried once each start where it fails", async () => {
    await goLive();
    world.engine.trouble = (call) => {
      if (call === "retire") throw new Error("Nomad is away");
    };
    deployer = new AppDeployer(world);
    await deployer.start();
    await settle();
    await deployer.stop();
    await restart();
    expect(calls("retire")).toEqual(["retire blog 2"]);
  });

  test("is not waited for without end, though its deployment is forgotten meanwhile", async () => {
    const { id } = await goLive();
    await deployer.stop();
    world.store.run("DELETE FROM deployments WHERE id = ?", id);
    await restart();
    expect(calls("retire")).toEqual([]);
    expect(new AppMarks(world.store, "retiring").apps()).toEqual([]);
    expect(await push("v3")).toMatchObject({ state: "healthy", hold: { kind: "promotion" } });
    await deployer.stop();
    await restart();
    expect(calls("retire")).toEqual([]);
  });

  test("is left to the next deployment where that was placed when the process ended", async () => {
    await goLive();
    await deployer.stop();
    world.engine.trouble = (call) => {
      if (call === "retire") throw new Error("Nomad refuses it");
    };
    deployer = new AppDeployer(world);
    await deployer.start();
    const newer = await push("v3");
    expect(newer).toMatchObject({ state: "healthy" });
    await deployer.stop();
    await restart();
    expect(calls("retire")).toEqual([]);
    expect([...(world.engine.placed.get("blog") ?? [])]).toContain(3);
    await deployer.promote("blog", undefined);
    expect(await ended(deployer, newer)).toMatchObject({ state: "live" });
    await settle();
    expect(calls("retire")).toEqual(["retire blog 3"]);
  });

  test("is nobody's any more when the app is removed", async () => {
    await goLive();
    await deployer.stop();
    world.engine.trouble = () => {};
    deployer = new AppDeployer(world);
    await deployer.removeApp("blog");
    await restart();
    expect(calls("retire")).toEqual([]);
  });
});

test("a removal that waits for a cluster does not keep Steppe from stopping, and is finished at the next start", async () => {
  hang("remove");
  const removing = deployer.removeApp("blog").catch((error: unknown) => error);
  await settle();
  await deployer.stop();
  expect(await removing).toMatchObject({ code: "SHUTTING_DOWN" });
  // Begun at a start, it is waited for as well: nothing of it happens after the end.
  deployer = new AppDeployer(world);
  await deployer.start();
  await settle();
  await deployer.stop();
  expect(deployer.apps()).toHaveLength(1);
  await restart();
  expect(deployer.apps()).toEqual([]);
});
