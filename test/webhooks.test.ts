import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeliveryView, PlatformStatus, WebhookSetup, WebhookTest } from "../src/api/types.ts";
import { httpGet } from "./support/http-get.ts";
import { type RunningSteppe, startSteppe } from "./support/steppe.ts";

let steppe: RunningSteppe;
beforeAll(async () => {
  steppe = await startSteppe({ args: ["--host", "steppe.test"] });
});
afterAll(() => steppe.stop());

const status = async (): Promise<PlatformStatus> => (await steppe.json("status")) as PlatformStatus;
const add = async (name: string, sender: string): Promise<WebhookSetup> =>
  (await steppe.json("webhook", "add", name, "--sender", sender)) as WebhookSetup;
const deliveries = async (name: string): Promise<DeliveryView[]> =>
  (await steppe.json("webhook", "deliveries", name)) as DeliveryView[];

describe("webhooks of a platform that runs", () => {
  test("nothing listens before there is one, and after the last is gone", async () => {
    expect((await status()).addresses.webhooks).toBeNull();
    const { url } = await add("first", "github");
    expect(url).toBe(`https://steppe.test:${new URL(steppe.addresses.https).port}/hooks/first`);
    const { webhooks } = (await status()).addresses;
    expect((await fetch(`${webhooks}first`, { method: "POST" })).status).toBe(401);
    await steppe.json("webhook", "remove", "first", "--yes");
    expect((await status()).addresses.webhooks).toBeNull();
    await expect(fetch(`${webhooks}first`, { method: "POST" })).rejects.toThrow("fetch failed");
  });

  test("a delivery reaches it by HTTPS, and what proves it is in no log", async () => {
    const { url, secret } = await add("quay", "quay");
    expect((await steppe.json("webhook", "test", "quay")) as WebhookTest).toMatchObject({
      status: 202,
      delivery: { hints: [{ outcome: "no app has the image quay.io/steppe/webhook-test" }] },
    });
    const ask = { host: "steppe.test", method: "POST" };
    const { pathname } = new URL(url);
    expect((await steppe.getSecurely({ ...ask, path: pathname })).status).toBe(400); // proven, and no JSON
    expect((await steppe.getSecurely({ ...ask, path: "/hooks/quay/another" })).status).toBe(401);
    expect((await steppe.getSecurely({ ...ask, path: "/hooks/none/x" })).status).toBe(404);
    expect((await steppe.getSecurely({ ...ask, path: "/v1/status" })).status).toBe(401);
    const listed = (await deliveries("quay")).map(({ verdict, status: answered }) => [verdict, answered]);
    expect(listed).toEqual([
      ["refused", 401],
      ["refused", 400],
      ["accepted", 202],
    ]);
    await expect.poll(() => logs(`${steppe.data}/logs`)).toContain("/hooks/quay/***");
    expect(logs(`${steppe.data}/logs`)).not.toContain(secret);
  });

  test("its port and what it knows are there again after control was killed", async () => {
    const { secret } = await add("lab", "gitlab");
    const before = (await status()).addresses.webhooks;
    const control = (await status()).processes.find(({ kind }) => kind === "control");
    process.kill(control?.pid ?? 0, "SIGKILL");
    const answer = async (): Promise<number> =>
      (
        await fetch(`${before}lab`, { method: "POST", headers: { "x-gitlab-token": secret }, body: "{}" }).catch(
          () => undefined,
        )
      )?.status ?? 0;
    await expect.poll(answer, { timeout: 20_000 }).toBe(200);
    expect((await status()).addresses.webhooks).toBe(before);
  });
});

test("a port that is taken is told to whoever adds a webhook, and Steppe runs on", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  try {
    const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    await using running = await startSteppe({ args: ["--webhooks", taken] });
    const { code, stderr } = await running.cli("webhook", "add", "hub", "--sender", "docker-hub");
    expect([code, stderr]).toEqual([5, expect.stringContaining("--webhooks")]);
    expect(await running.json("webhook", "list")).toEqual([]);
    expect((await httpGet(running.addresses.api, { host: "127.0.0.1", path: "/healthz" })).status).toBe(204);
  } finally {
    other.close();
  }
});

/** All that is logged in a folder. */
function logs(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name}`)
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, "latin1"))
    .join("\n");
}
