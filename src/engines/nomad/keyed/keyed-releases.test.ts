import { describe, expect, test } from "vitest";
import type { ReleaseSpec } from "../../engine.ts";
import { digestOf, FakeKeyedCluster, type Fate, inTime, KEY, keptContext, keyedRelease, REPOSITORY } from "./fakes.ts";
import { KeyedReleases } from "./keyed-releases.ts";

/** What the deployer does with a release. */
async function deploy(cluster: FakeKeyedCluster, release: ReleaseSpec, context = keptContext()): Promise<void> {
  const keyed = new KeyedReleases(cluster);
  await keyed.place(release, context);
  await inTime(cluster.clock, keyed.route(release, context));
}

/** A cluster on which Steppe has deployed v1. */
async function withLive(options: { count?: number } = {}): Promise<FakeKeyedCluster> {
  const cluster = new FakeKeyedCluster(options);
  await deploy(cluster, keyedRelease(1, "v1"));
  return cluster;
}

test("a new tag is written, and live when every instance came up with it", async () => {
  const cluster = await withLive({ count: 2 });
  expect(cluster.written).toEqual([]);
  const context = keptContext();
  await deploy(cluster, keyedRelease(2, "v2"), context);
  expect(cluster.written).toEqual(["v2"]);
  expect(cluster.serving).toEqual(["v2", "v2"]);
  expect(context.said[0]).toBe(`${KEY}: v1 → v2`);
  expect(context.said.slice(1)).toEqual(["1 of 2 instances run v2", "2 of 2 instances run v2"]);
  expect(new KeyedReleases(cluster).instances()).toEqual([{ app: "blog", release: 2, routed: true }]);
});

test("the first tag of all is written where there is no key yet", async () => {
  const cluster = new FakeKeyedCluster({ tag: null });
  await deploy(cluster, keyedRelease(1, "v1"));
  expect([cluster.key, cluster.serving]).toEqual(["v1", ["v1"]]);
});

describe("a tag that does not come up is taken back, and told", () => {
  test.each<[Fate, string, RegExp]>([
    [
      "missing",
      "INSTANCE_FAILED",
      /^blog\.web\[0\]: server: Failed to pull `team\/blog:v2`: manifest unknown, after 1 restart; /,
    ],
    ["ends", "INSTANCE_FAILED", /^blog\.web\[0\]: server: it ended with exit code 1, after 2 restarts; /],
    ["wrong", "CHECK_FAILED", /^blog\.web\[0\]: GET \/ answered 500; /],
    [
      "silent",
      "CHECK_FAILED",
      /^blog\.web\[0\]: Get http:\/\/127\.0\.0\.1:1\/: dial tcp: connection refused, after 60 s; /,
    ],
    ["ignored", "CHECK_FAILED", /^blog\.web\[0\]: server has not been restarted, after 60 s; /],
  ])("%s", async (fate, code, cause) => {
    const cluster = await withLive({ count: 2 });
    cluster.fates.set("v2", fate);
    const deploying = deploy(cluster, keyedRelease(2, "v2"));
    await expect(deploying).rejects.toMatchObject({ code, subject: "blog v2" });
    await expect(deploying).rejects.toHaveProperty("reason", expect.stringMatching(cause));
    await expect(deploying).rejects.toHaveProperty("reason", expect.stringMatching(/ is v1 again, and healthy$/));
    expect(cluster.written).toEqual(["v2", "v1"]);
    expect(cluster.serving).toEqual(["v1", "v1"]);
    expect(new KeyedReleases(cluster).instances("blog")).toEqual([{ app: "blog", release: 1, routed: true }]);
  });

  test("and if what was before does not come up any more either, that is told as well", async () => {
    const cluster = await withLive();
    cluster.fates.set("v1", "missing").set("v2", "missing");
    await expect(deploy(cluster, keyedRelease(2, "v2"))).rejects.toHaveProperty(
      "reason",
      expect.stringMatching(
        /^blog\.web\[0\]: server: Failed to pull.* is v1 again, but it does not come up: .*, after 60 s$/,
      ),
    );
    expect(cluster.key).toBe("v1");
  });

  test("and the key, if there was none", async () => {
    const cluster = new FakeKeyedCluster({ tag: null });
    cluster.fates.set("v1", "wrong");
    await expect(deploy(cluster, keyedRelease(1, "v1"))).rejects.toHaveProperty(
      "reason",
      expect.stringContaining(`there was no tag before, so ${KEY} is taken away`),
    );
    expect(cluster.key).toBeUndefined();
    expect(new KeyedReleases(cluster).instances()).toEqual([]);
  });
});

test("what mends a job that ends again and again is not held to the end of what was before", async () => {
  const cluster = await withLive();
  cluster.fates.set("v2", "ends");
  cluster.setKey("v2");
  await cluster.clock.advance(2000);
  await deploy(cluster, keyedRelease(3, "v3"));
  expect(cluster.written).toEqual(["v3"]);
  expect(cluster.serving).toEqual(["v3"]);
});

describe("what somebody else writes", () => {
  test("before a deployment is told, and replaced; what failed gives it back", async () => {
    const cluster = await withLive();
    cluster.setKey("v3");
    cluster.fates.set("v2", "wrong");
    const context = keptContext();
    await expect(deploy(cluster, keyedRelease(2, "v2"), context)).rejects.toMatchObject({ code: "CHECK_FAILED" });
    expect(context.notes).toEqual([`${KEY} has v3, which Steppe did not write; it had written v1`]);
    expect(cluster.written).toEqual(["v2", "v3"]);
  });

  test("between the last look and the writing is not overwritten, and fails the deployment", async () => {
    const cluster = await withLive();
    const context = keptContext();
    const say = context.progress;
    context.progress = (message) => {
      say(message);
      cluster.setKey("v3");
    };
    const failure = { code: "INSTANCE_FAILED", reason: `${KEY} was changed to v3 by somebody else meanwhile` };
    await expect(deploy(cluster, keyedRelease(2, "v2"), context)).rejects.toMatchObject(failure);
    expect([cluster.written, cluster.key]).toEqual([[], "v3"]);
    await new KeyedReleases(cluster).abandon(keyedRelease(2, "v2"));
    expect(cluster.key).toBe("v3");
  });

  test("while Steppe was away in the middle of a deployment is theirs as well", async () => {
    const cluster = await withLive();
    const keyed = new KeyedReleases(cluster);
    const death = new AbortController();
    await keyed.place(keyedRelease(2, "v2"), keptContext());
    const routing = keyed.route(keyedRelease(2, "v2"), keptContext(death.signal)).catch(() => {});
    await cluster.clock.advance(500);
    death.abort(new Error("it dies"));
    await routing;
    cluster.setKey("v3");
    const again = inTime(cluster.clock, keyed.route(keyedRelease(2, "v2"), keptContext()));
    await expect(again).rejects.toHaveProperty("reason", `${KEY} was changed to v3 by somebody else meanwhile`);
    expect([cluster.written, cluster.key]).toEqual([["v2"], "v3"]);
  });

  test("during a deployment is left as it is", async () => {
    const cluster = await withLive();
    const keyed = new KeyedReleases(cluster);
    const release = keyedRelease(2, "v2");
    await keyed.place(release, keptContext());
    const routing = keyed.route(release, keptContext());
    await cluster.clock.advance(500);
    cluster.setKey("v3");
    await expect(inTime(cluster.clock, routing)).rejects.toHaveProperty(
      "reason",
      `${KEY} was changed to v3 by somebody else meanwhile`,
    );
    await keyed.abandon(release);
    await keyed.route(keyedRelease(1, "v1"), keptContext());
    expect([cluster.key, cluster.written]).toEqual(["v3", ["v2"]]);
  });
});

describe("the deployer's way back", () => {
  test("a deployment that was told to stop is taken back by abandon, and what was live is not routed over it", async () => {
    const cluster = await withLive();
    const keyed = new KeyedReleases(cluster);
    const stop = new AbortController();
    const release = keyedRelease(2, "v2");
    await keyed.place(release, keptContext());
    const routing = keyed.route(release, keptContext(stop.signal));
    await cluster.clock.advance(300);
    stop.abort(new Error("told to stop"));
    await expect(routing).rejects.toThrow("told to stop");
    expect(keyed.instances()).toEqual([{ app: "blog", release: 2, routed: true }]);
    await keyed.abandon(release);
    await keyed.abandon(release);
    await keyed.route(keyedRelease(1, "v1"), keptContext());
    expect(cluster.written).toEqual(["v2", "v1"]);
    expect(keyed.instances()).toEqual([{ app: "blog", release: 1, routed: true }]);
  });

  test("a deployment that wrote nothing changes nothing", async () => {
    const cluster = await withLive();
    const keyed = new KeyedReleases(cluster);
    cluster.setKey("v3");
    await keyed.place(keyedRelease(2, "v2"), keptContext());
    await keyed.abandon(keyedRelease(2, "v2"));
    await keyed.route(keyedRelease(1, "v1"), keptContext());
    expect(cluster.key).toBe("v3");
  });

  test("what could not be taken back is nothing to go back to", async () => {
    const cluster = await withLive();
    cluster.fates.set("v2", "wrong").set("v3", "wrong");
    const failing = new KeyedReleases(cluster);
    await failing.place(keyedRelease(2, "v2"), keptContext());
    cluster.diesAt = 1; // the key is written, and Consul is away when it should be written back
    await expect(inTime(cluster.clock, failing.route(keyedRelease(2, "v2"), keptContext()))).rejects.toThrow("died");
    await expect(failing.abandon(keyedRelease(2, "v2"))).rejects.toThrow("died");
    expect(cluster.key).toBe("v2");
    cluster.diesAt = Infinity;
    await expect(deploy(cluster, keyedRelease(3, "v3"))).rejects.toHaveProperty(
      "reason",
      expect.stringMatching(/ is v1 again, and healthy$/),
    );
    expect(cluster.written).toEqual(["v2", "v3", "v1"]);
  });
});

describe("place refuses what could only fail", () => {
  const refusal = async (cluster: FakeKeyedCluster, release = keyedRelease(2, "v2")): Promise<unknown> => {
    return new KeyedReleases(cluster).place(release, keptContext()).then(
      () => "placed",
      (error: unknown) => error,
    );
  };

  test("a tag that the registry does not have", async () => {
    const cluster = await withLive();
    cluster.registry.delete(`${REPOSITORY}:v2`);
    expect(await refusal(cluster)).toMatchObject({ code: "IMAGE_NOT_FOUND" });
    expect(cluster.written).toEqual([]);
  });

  test("a job that is not there, or stopped", async () => {
    const cluster = await withLive();
    cluster.isStopped = true;
    expect(await refusal(cluster)).toMatchObject({ code: "NOMAD_NOT_FOUND", reason: "it is stopped" });
    cluster.spec.ID = "other";
    expect(await refusal(cluster)).toMatchObject({ code: "NOMAD_NOT_FOUND", reason: "Nomad has no such job" });
  });

  test("a release without a tag, of another repository, or `latest`", async () => {
    const cluster = await withLive();
    const { taggedReference: _, ...untagged } = keyedRelease(2, "v2");
    expect(await refusal(cluster, untagged)).toMatchObject({ code: "TAG_REFUSED" });
    const other = { ...keyedRelease(2, "v2"), taggedReference: `docker.io/a/b:v2@${digestOf("v2")}` };
    expect(await refusal(cluster, other)).toMatchObject({ code: "TAG_REFUSED", hint: `Push it to ${REPOSITORY}.` });
    expect(await refusal(cluster, keyedRelease(2, "latest"))).toMatchObject({ code: "TAG_REFUSED" });
  });

  test("a tag that was moved, and that the key has already", async () => {
    const cluster = await withLive();
    expect(await refusal(cluster, keyedRelease(2, "v1", digestOf("moved")))).toMatchObject({
      code: "TAG_REFUSED",
      reason: `v1 was moved to another image, and ${KEY} has v1 already: nothing would restart`,
    });
    // The same image with another definition is nothing to refuse.
    expect(await refusal(cluster, keyedRelease(2, "v1"))).toBe("placed");
  });

  test("and says if a tag stands for another image than when the release was made", async () => {
    const cluster = await withLive();
    cluster.registry.set(`${REPOSITORY}:v2`, digestOf("moved"));
    const context = keptContext();
    await new KeyedReleases(cluster).place(keyedRelease(2, "v2"), context);
    expect(context.notes).toEqual(["v2 stands for another image now than when this release was made"]);
  });
});

test("an app that is removed leaves its job and its key", async () => {
  const cluster = await withLive();
  const keyed = new KeyedReleases(cluster);
  expect(keyed.has("blog")).toBe(true);
  keyed.remove("blog");
  expect([keyed.has("blog"), keyed.instances(), cluster.key]).toEqual([false, [], "v1"]);
  expect(cluster.serving).toEqual(["v1"]);
});

test("while Consul is away in the middle, a deployment waits, and goes on", async () => {
  const cluster = await withLive();
  const keyed = new KeyedReleases(cluster);
  const release = keyedRelease(2, "v2");
  await keyed.place(release, keptContext());
  const routing = keyed.route(release, keptContext());
  await cluster.clock.advance(100);
  cluster.isConsulAway = true;
  await cluster.clock.advance(10 * 60_000);
  cluster.isConsulAway = false;
  await inTime(cluster.clock, routing);
  expect([cluster.written, cluster.serving]).toEqual([["v2"], ["v2"]]);
});
