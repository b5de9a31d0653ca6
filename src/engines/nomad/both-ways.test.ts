import { describe, expect, test } from "vitest";
import { testDefinition } from "../../../test/support/test-definition.ts";
import { NomadJobTable, Store } from "../../store/index.ts";
import type { ReleaseSpec } from "../engine.ts";
import { BothWays } from "./both-ways.ts";
import { FakeKeyedCluster, inTime, keptContext, keyedRelease, REPOSITORY } from "./keyed/fakes.ts";
import { KeyedReleases } from "./keyed/keyed-releases.ts";
import type { NomadEngine } from "./nomad-engine.ts";

/** Both ways, of which that of jobs only writes down what it is told. */
function bothWays() {
  const table = new NomadJobTable(Store.open(":memory:"));
  const calls: string[] = [];
  const jobs = new Proxy({} as NomadEngine, {
    get: (_, name) => (about: string | ReleaseSpec) => {
      calls.push(`${String(name)} ${typeof about === "object" ? (about.app ?? "") : about}`);
      if (name === "remove") table.delete(String(about));
      if (name === "adopt") table.set({ app: String(about), job: "blog", jobModifyIndex: 7n });
      return Promise.resolve(name === "instances" ? [] : undefined);
    },
  });
  const cluster = new FakeKeyedCluster();
  const engine = new BothWays({ jobs, keyed: new KeyedReleases(cluster), table });
  const deploy = async (release: ReleaseSpec): Promise<void> => {
    for (const step of ["place", "awaitHealthy", "route", "retire"] as const) {
      await inTime(cluster.clock, engine[step](release, keptContext()));
    }
  };
  return { engine, calls, table, cluster, deploy };
}

const image = { repository: REPOSITORY, site: null };
const plain: ReleaseSpec = { app: "blog", number: 2, image: "sha256:b", definition: testDefinition("blog", { image }) };

describe("an app goes its own way by its definition", () => {
  test("of one whose job is its user's own, nothing is asked that is about jobs of Steppe's", async () => {
    const { engine, calls, cluster, deploy } = bothWays();
    engine.validate(keyedRelease(1, "v1").definition);
    await deploy(keyedRelease(1, "v2"));
    expect(cluster.serving).toEqual(["v2"]);
    await engine.abandon(keyedRelease(1, "v2"));
    expect(await engine.instances("blog")).toEqual([{ app: "blog", release: 1, routed: true }]);
    expect(await engine.drift(keyedRelease(1, "v2"))).toBeUndefined();
    await expect(engine.plan(keyedRelease(1, "v2"))).rejects.toMatchObject({ code: "USAGE" });
    await expect(engine.promote("blog")).rejects.toMatchObject({ code: "USAGE" });
    await expect(engine.acceptDrift("blog")).rejects.toMatchObject({ code: "USAGE" });
    await engine.remove("blog");
    expect(calls).toEqual([]);
    expect(await engine.instances("blog")).toEqual([]);
    expect(cluster.serving).toEqual(["v2"]);
  });

  test("of any other, nothing that is about keys", async () => {
    const { engine, calls, cluster, deploy } = bothWays();
    engine.validate(plain.definition);
    await deploy(plain);
    await engine.abandon(plain);
    await engine.plan(plain);
    await engine.promote("blog");
    await engine.remove("blog");
    const steps = ["place", "awaitHealthy", "route", "retire", "abandon", "plan", "promote", "remove"];
    expect(calls.slice(1)).toEqual(steps.map((step) => `${step} blog`));
    expect(cluster.written).toEqual([]);
  });
});

describe("an app changes its way", () => {
  test("from a key to a job of Steppe's: the key is forgotten when that is routed", async () => {
    const { engine, calls, cluster, deploy } = bothWays();
    await deploy(keyedRelease(1, "v1"));
    await engine.place(plain, keptContext());
    expect(await engine.instances("blog")).toEqual([{ app: "blog", release: 1, routed: true }]);
    await deploy(plain);
    expect(await engine.instances("blog")).toEqual([]);
    expect(calls.at(-1)).toBe("instances blog");
    expect(cluster.key).toBe("v1");
  });

  test("from a key to a job of Steppe's: whoever changes the job that was taken over meanwhile is told", async () => {
    const { engine, calls, table } = bothWays();
    expect(await engine.drift(keyedRelease(1, "v1"))).toBeUndefined();
    expect(calls).toEqual([]);
    table.set({ app: "blog", job: "blog", jobModifyIndex: 1n });
    await engine.drift(keyedRelease(1, "v1"));
    expect(calls).toEqual(["adoptedDrift blog"]);
  });

  test("from a key to a job of Steppe's: what was taken over stays so, whatever becomes of the key until then", async () => {
    const { engine, calls, table, cluster, deploy } = bothWays();
    const taken = { app: "blog", job: "blog", jobModifyIndex: 7n };
    await deploy(keyedRelease(1, "v1"));
    await engine.adopt("blog", "blog");
    await engine.retire(keyedRelease(1, "v1"), keptContext()); // once more, as at a start after a crash
    expect(table.get("blog")).toEqual(taken);
    await deploy(keyedRelease(2, "v2"));
    expect([cluster.key, table.get("blog")]).toEqual(["v2", taken]);
    await deploy(plain);
    expect(table.get("blog")).toEqual(taken);
    // And the next time that it goes by a key, it leaves that job as before.
    await deploy(keyedRelease(3, "v3"));
    expect(table.get("blog")).toBeUndefined();
    expect(calls.filter((call) => call.startsWith("remove"))).toEqual([]);
  });

  test("from a key to a job of Steppe's: so does one of another name", async () => {
    const { engine, calls, table, deploy } = bothWays();
    await deploy(keyedRelease(1, "v1"));
    await engine.adopt("blog", "other");
    table.set({ app: "blog", job: "other", jobModifyIndex: 7n });
    await deploy(keyedRelease(2, "v2"));
    expect([calls.filter((call) => call.startsWith("remove")), table.get("blog")?.job]).toEqual([[], "other"]);
  });

  test("from a job of Steppe's to a key: that job is removed when the tag is live", async () => {
    const { calls, table, deploy } = bothWays();
    table.set({ app: "blog", job: "made", jobModifyIndex: 1n });
    await deploy(keyedRelease(1, "v2"));
    expect(calls).toEqual(["remove blog"]);
  });

  test("removed while a key's tag is live, it leaves a job that was only taken over", async () => {
    const { engine, calls, table, cluster, deploy } = bothWays();
    await deploy(keyedRelease(1, "v2"));
    table.set({ app: "blog", job: "blog", jobModifyIndex: 1n });
    await engine.remove("blog");
    expect(calls).toEqual(["remove blog"]);
    expect(await engine.instances("blog")).toEqual([]);
    expect(cluster.serving).toEqual(["v2"]);
  });

  test("but not if it is the very job whose tag is in the key", async () => {
    const { calls, table, deploy } = bothWays();
    table.set({ app: "blog", job: "blog", jobModifyIndex: 1n });
    await deploy(keyedRelease(1, "v2"));
    expect([calls, table.get("blog")]).toEqual([[], undefined]);
  });
});
