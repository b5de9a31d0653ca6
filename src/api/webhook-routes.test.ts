import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { startApi, TOKEN } from "./fakes.ts";
import type { WebhookSetup, WebhookView } from "./types.ts";

const hub = { name: "hub", sender: "docker-hub" };

test("webhooks are added, listed, rotated and removed, and no secret is told again", async () => {
  await using running = await startApi();
  const added = await running.call("/v1/webhooks", { json: { ...hub, callback: true } });
  expect(added.status).toBe(201);
  expect(added.json<WebhookSetup>()).toMatchObject({
    webhook: { ...hub, callback: true, lastDelivery: null, oldSecretUntil: null },
    url: `https://api.example.com:8443/hooks/hub/${TOKEN}`,
    secret: TOKEN,
  });
  expect((await running.call("/v1/webhooks", { json: hub })).json()).toMatchObject({ code: "WEBHOOK_EXISTS" });
  const rotated = await running.call("/v1/webhooks/hub/rotate", { json: { keepMs: 1000, secret: "x".repeat(40) } });
  expect(rotated.json<WebhookSetup>()).toMatchObject({ secret: "x".repeat(40) });
  expect(rotated.json<WebhookSetup>().webhook.oldSecretUntil).toBeGreaterThan(Date.now() - 1000);
  const again = await running.call("/v1/webhooks/hub/rotate", { json: { keepMs: 1000 } });
  expect([again.status, again.json<object>()]).toMatchObject([409, { code: "WEBHOOK_ROTATING" }]);
  const finished = await running.call("/v1/webhooks/hub/finish-rotation", { method: "POST" });
  expect(finished.json<WebhookView>().oldSecretUntil).toBeNull();
  const listed = await running.call("/v1/webhooks");
  expect(listed.json<WebhookView[]>().map(({ name }) => name)).toEqual(["hub"]);
  expect(listed.text).not.toMatch(/x{40}|the-token/);
  expect((await running.call("/v1/webhooks/hub", { method: "DELETE" })).status).toBe(204);
  expect((await running.call("/v1/webhooks/hub")).json()).toMatchObject({ code: "WEBHOOK_NOT_FOUND" });
});

test("who asks through the ingress is told of the address that led there", async () => {
  using folder = temporaryFolder("api");
  await using running = await startApi();
  const socketPath = folder.file("api.sock");
  await running.api.listenOnSocket(socketPath);
  const headers = { host: "api.example.com:444" };
  const added = await running.call("/v1/webhooks", { json: hub, socketPath, headers });
  const { url, notes } = added.json<WebhookSetup>();
  expect(url).toBe(`https://api.example.com:444/hooks/hub/${TOKEN}`);
  expect(notes[0]).toContain("Steppe's own CA");
});

test("a server without a host name tells the listener's address", async () => {
  await using running = await startApi({ apiHost: null });
  const added = await running.call("/v1/webhooks", { json: hub });
  expect(added.json<WebhookSetup>()).toMatchObject({
    url: `http://127.0.0.1:7071/hooks/hub/${TOKEN}`,
    notes: [expect.stringContaining("of this machine alone"), expect.anything(), expect.anything()],
  });
});

test("a server behind a proxy tells the proxy's address", async () => {
  await using running = await startApi({ webhooksUrl: "https://hooks.example.com/steppe" });
  const added = await running.call("/v1/webhooks", { json: hub });
  expect(added.json<WebhookSetup>().url).toBe(`https://hooks.example.com/steppe/hooks/hub/${TOKEN}`);
});

test("what is not right is refused, and nothing of it shows a secret", async () => {
  await using running = await startApi();
  await running.call("/v1/webhooks", { json: hub });
  const wrong: Array<[string, object]> = [
    ["/v1/webhooks", { ...hub, name: "no/name" }],
    ["/v1/webhooks", { name: "b" }],
    ["/v1/webhooks", { ...hub, name: "b", secret: "" }],
    ["/v1/webhooks", { ...hub, name: "b", secret: "hush" }],
    ["/v1/webhooks", { ...hub, name: "b", secrets: [] }],
    ["/v1/webhooks/hub/rotate", {}],
    ["/v1/webhooks/hub/rotate", { keepMs: -1 }],
    ["/v1/webhooks/hub/rotate", { keepMs: 1e12 }],
  ];
  for (const [path, json] of wrong) {
    const answer = await running.call(path, { json });
    expect([path, json, answer.status, answer.json<object>()]).toMatchObject([path, json, 400, { code: "USAGE" }]);
    expect(answer.text).not.toContain("hush");
  }
  for (const path of ["/v1/deliveries?limit=0", "/v1/deliveries?before=x"]) {
    expect((await running.call(path)).status).toBe(400);
  }
  const redelivery = await running.call("/v1/deliveries/7/redeliver", { method: "POST" });
  expect(redelivery.json()).toMatchObject({ code: "DELIVERY_NOT_FOUND" });
  expect((await running.call("/v1/webhooks/hub/test", { method: "POST" })).status).toBe(503);
  expect((await running.call("/v1/deliveries")).json()).toEqual([]);
  expect((await running.call("/v1/webhooks", { token: null })).status).toBe(401);
});
