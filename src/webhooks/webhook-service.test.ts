import { describe, expect, test } from "vitest";
import { systemClock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import { startReceiver } from "./fakes.ts";
import { senders } from "./types.ts";
import { WebhookRegistry, WebhookService } from "./index.ts";
import { WebhookTable } from "../store/index.ts";
import { SIGNING_TOKEN } from "./senders/fakes.ts";

const BASE = "https://steppe.example.com/hooks/";

/** The service on a receiver that listens, whose hints are settled as soon as they come. */
async function start() {
  const running = await startReceiver({ clock: systemClock });
  const registry = new WebhookRegistry({
    table: new WebhookTable(running.store),
    clock: systemClock,
    newSecret: () => "a-secret-that-was-made-0123456789",
  });
  let failure: Error | undefined;
  const service = new WebhookService({
    registry,
    deliveries: running.table,
    listener: {
      follow: async () => {
        if (failure !== undefined) throw failure;
      },
      address: () => `http://127.0.0.1:${running.port}/hooks/`,
    },
    onHints: (hints) => running.hints.push(...hints),
    clock: systemClock,
  });
  const settle = setInterval(() => running.table.settleHints(running.table.pendingHints(), "no app has it", 1), 5);
  return {
    running,
    registry,
    service,
    fail: (error: Error) => (failure = error),
    /** Makes the receiver know what the registry knows. */
    publish: () => {
      running.known.clear();
      for (const { name } of registry.all()) running.known.set(name, registry.find(name)!);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      clearInterval(settle);
      await running[Symbol.asyncDispose]();
    },
  };
}

describe.each(senders)("%s", (sender) => {
  test("is told where to send and with what, and a delivery as it makes it is accepted", async () => {
    await using it = await start();
    const { webhook, url, secret, where, fields, block } = await it.service.add(
      { name: "one", sender, callback: false },
      () => ({ base: BASE, note: null }),
    );
    it.publish();
    const text = JSON.stringify([where, fields, block]);
    expect(url.startsWith(`${BASE}one`)).toBe(true);
    expect(text).toContain(url);
    expect(text).toContain(secret);
    expect(JSON.stringify(webhook)).not.toContain(secret);
    const tested = await it.service.test("one", AbortSignal.timeout(10_000));
    expect(tested).toMatchObject({
      status: 202,
      delivery: { verdict: "accepted", sender, hints: [{ outcome: "no app has it" }], hintCount: 1 },
    });
    expect(it.service.get("one").lastDelivery?.id).toBe(tested.delivery?.id);
    const again = await it.service.redeliver(tested.delivery?.id ?? 0);
    expect(again).toMatchObject({ verdict: "accepted", status: null, redeliveryOf: tested.delivery?.id });
    expect(it.running.hints.at(-1)?.delivery).toBe(again.id);
  });
});

test("GitLab's signing token is taken, and a delivery is signed with it", async () => {
  await using it = await start();
  const setup = await it.service.add({ name: "lab", sender: "gitlab", secret: SIGNING_TOKEN, callback: false }, () => ({
    base: BASE,
    note: null,
  }));
  expect(setup.fields).toContainEqual({ name: "Signing token", value: SIGNING_TOKEN });
  it.publish();
  expect(await it.service.test("lab", AbortSignal.timeout(10_000))).toMatchObject({ status: 202 });
});

test("a test with a secret that the receiver does not know shows the refusal", async () => {
  await using it = await start();
  await it.service.add({ name: "hub", sender: "docker-hub", callback: false }, () => ({ base: BASE, note: null }));
  it.publish();
  it.service.rotate("hub", { keepMs: 0, secret: "another-secret-0123456789" }, () => ({ base: BASE, note: null }));
  expect(await it.service.test("hub", AbortSignal.timeout(10_000))).toEqual({ status: 401, delivery: null });
  expect(it.service.deliveries({ limit: 9 })).toMatchObject([{ verdict: "refused", status: 401, webhook: "hub" }]);
});

test("a webhook for which nothing can listen is not added", async () => {
  await using it = await start();
  const taken = { operation: "listen", subject: "127.0.0.1:7071", cause: "nginx has it" };
  it.fail(new SteppeError("PORT_TAKEN", taken));
  const adding = it.service.add({ name: "hub", sender: "docker-hub", callback: false }, () => ({
    base: BASE,
    note: null,
  }));
  await expect(adding).rejects.toMatchObject({ code: "PORT_TAKEN" });
  expect(it.service.list()).toEqual([]);
});
