import { expect, test } from "vitest";
import { FakeKeyedCluster, KEY } from "./fakes.ts";
import { changeKey, replaceKey } from "./key-store.ts";

test("who writes at the same moment is not overwritten unread", async () => {
  const cluster = new FakeKeyedCluster();
  const seen: Array<string | null> = [];
  await changeKey(cluster.consul, KEY, (found) => {
    seen.push(found);
    if (found === "v1") cluster.setKey("v2");
    return "v3";
  });
  expect([seen, cluster.key]).toEqual([["v1", "v2"], "v3"]);
});

test("what is as it should be is not written, nor what is to be left", async () => {
  const cluster = new FakeKeyedCluster();
  await changeKey(cluster.consul, KEY, () => "v1");
  await changeKey(cluster.consul, KEY, () => undefined);
  await changeKey(cluster.consul, KEY, () => null);
  expect([cluster.written, cluster.key]).toEqual([[null], undefined]);
});

test("an answer that was lost is asked for", async () => {
  const cluster = new FakeKeyedCluster();
  const { kv } = cluster.consul;
  let lost = 0;
  const put: typeof kv.put = async (...args) => {
    await kv.put(...args);
    lost++;
    throw new Error("the answer was lost");
  };
  await changeKey({ kv: { get: kv.get, put, delete: kv.delete } as unknown as typeof kv }, KEY, () => "v2");
  expect([lost, cluster.written]).toEqual([1, ["v2"]]);
});

test("a key is written in place of what was found there, and of nothing else", async () => {
  const cluster = new FakeKeyedCluster();
  const { kv } = cluster.consul;
  expect(await replaceKey({ kv }, KEY, { from: "v1", to: "v2" })).toBe("v2");
  expect(await replaceKey({ kv }, KEY, { from: "v1", to: "v3" })).toBe("v2");
  expect(await replaceKey({ kv }, KEY, { from: null, to: "v3" })).toBe("v2");
  // Somebody writes between the reading and the writing.
  const get: typeof kv.get = async (...args) => {
    const found = await kv.get(...args);
    if (cluster.key === "v2") cluster.setKey("other");
    return found;
  };
  const late = { get, put: kv.put, delete: kv.delete } as unknown as typeof kv;
  expect(await replaceKey({ kv: late }, KEY, { from: "v2", to: "v3" })).toBe("other");
  expect([cluster.written, cluster.key]).toEqual([["v2"], "other"]);
});

test("who is always too late gives up, and says why", async () => {
  const cluster = new FakeKeyedCluster();
  let writes = 0;
  const changing = changeKey(cluster.consul, KEY, () => {
    cluster.setKey(`other-${++writes}`);
    return "v2";
  });
  await expect(changing).rejects.toMatchObject({ code: "CONSUL_REFUSED", subject: KEY });
  expect(writes).toBe(5);
});
