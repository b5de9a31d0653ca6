import { expect, test } from "vitest";
import { DeliveryTable, Store } from "../store/index.ts";
import { silentLogger } from "../shared/log.ts";
import { callbackAddress, HubCallback } from "./hub-callback.ts";
import type { Hint, JournaledHint } from "./index.ts";
import { sample } from "./senders/fakes.ts";

const at = (url: unknown): string | undefined => callbackAddress(JSON.stringify({ callback_url: url }))?.href;
const RIGHT = "https://registry.hub.docker.com/u/steppe/blog/hook/2141b5/";

test("only Docker Hub's own host is called, by HTTPS", () => {
  expect(at(RIGHT)).toBe(RIGHT);
  const wrong = [
    "http://registry.hub.docker.com/x",
    "https://registry.hub.docker.com.example.com/x",
    "https://registry.hub.docker.com:8443/x",
    "https://example.com/registry.hub.docker.com",
    "https://user:password@registry.hub.docker.com/x",
    "https://registry.hub.docker.com@127.0.0.1/x",
    "https://registry.hub.docker.com\\@127.0.0.1/x",
    "file:///etc/passwd",
    "//registry.hub.docker.com/x",
    `https://registry.hub.docker.com/${"x".repeat(3000)}`,
    7,
    null,
    undefined,
  ];
  // A browser's parser takes a backslash for a slash: then the host is the right one, and nothing else is called.
  expect(
    wrong.map(at).filter((url) => url !== undefined && !url.startsWith("https://registry.hub.docker.com/")),
  ).toEqual([]);
  expect(callbackAddress("null")).toBeUndefined();
  expect(callbackAddress("payload=x")).toBeUndefined();
});

function make(webhook: { callback: boolean; sender: "docker-hub" | "quay" }, body: object) {
  const deliveries = new DeliveryTable<Hint>(Store.open(":memory:"));
  const [recorded] = deliveries.record([
    {
      webhook: "hub",
      sender: webhook.sender,
      receivedAt: 1,
      verdict: "accepted",
      reason: null,
      status: 202,
      headers: {},
      body: Buffer.from(JSON.stringify(body)),
      bodyBytes: 1,
      hints: [],
      redeliveryOf: null,
    },
  ]);
  const posted: unknown[] = [];
  const callback = new HubCallback({
    webhooks: { get: () => webhook },
    deliveries,
    log: silentLogger,
    post: async (url, json) => {
      posted.push([url.href, json]);
      return 200;
    },
  });
  const hint = { delivery: recorded?.delivery, seq: 0, webhook: "hub" } as JournaledHint;
  return { callback, hint, posted };
}

test("it is called once for a delivery, with what came of it, if that is switched on", async () => {
  const body = { ...(JSON.parse(sample("docker-hub").body.toString()) as object), callback_url: RIGHT };
  const on = make({ callback: true, sender: "docker-hub" }, body);
  on.callback.report([on.hint, { ...on.hint, seq: 1 }], { text: "blog: deployment 3", isDone: true });
  await on.callback.close();
  expect(on.posted).toEqual([[RIGHT, { state: "success", description: "blog: deployment 3", context: "Steppe" }]]);
  for (const [webhook, url] of [
    [{ callback: false, sender: "docker-hub" }, RIGHT],
    [{ callback: true, sender: "quay" }, RIGHT],
    [{ callback: true, sender: "docker-hub" }, "https://example.com/"],
  ] as const) {
    const off = make(webhook, { callback_url: url });
    off.callback.report([off.hint], { text: "gave up", isDone: false });
    await off.callback.close();
    expect(off.posted).toEqual([]);
  }
});
