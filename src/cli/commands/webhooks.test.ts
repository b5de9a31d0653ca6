import { expect, test } from "vitest";
import type { DeliveryView, WebhookSetup, WebhookView } from "../../api/types.ts";
import { FakeWorld } from "../fake-world.ts";

const NOW = Date.UTC(2026, 0, 1);

const delivery: DeliveryView = {
  id: 17,
  webhook: "hub",
  sender: "docker-hub",
  receivedAt: NOW - 60_000,
  verdict: "accepted",
  reason: null,
  status: 202,
  bodyBytes: 800,
  repeats: 2,
  repeatedAt: NOW - 30_000,
  redeliveryOf: null,
  hints: [
    {
      hint: {
        kind: "image",
        registry: "docker.io",
        repository: "steppe/blog",
        tag: "v2",
        digest: null,
        eventId: null,
        at: null,
      },
      settledAt: NOW,
      outcome: "blog: deployment 7",
    },
  ],
  hintCount: 1,
};

const webhook: WebhookView = {
  name: "hub",
  sender: "docker-hub",
  createdAt: NOW - 86_400_000,
  rotatedAt: null,
  oldSecretUntil: null,
  callback: false,
  lastDelivery: delivery,
};

const setup: WebhookSetup = {
  webhook,
  url: "http://127.0.0.1:7071/hooks/hub/the-secret",
  secret: "the-secret",
  where: "Docker Hub: the repository, Webhooks",
  fields: [
    { name: "Webhook name", value: "steppe-hub" },
    { name: "Webhook URL", value: "http://127.0.0.1:7071/hooks/hub/the-secret" },
  ],
  block: null,
  notes: ["Docker Hub signs nothing."],
};

test("add prints what to type in where, and that the address is of this machine", async () => {
  await using world = await FakeWorld.make();
  world.routes.set("POST /v1/webhooks", setup);
  const { code, stdout } = await world.run("webhook", "add", "hub", "--sender", "docker-hub", "--callback");
  expect(code).toBe(0);
  expect(stdout).toBe(`Webhook hub is added. Give its sender this:

Docker Hub: the repository, Webhooks
  Webhook name  steppe-hub
  Webhook URL   http://127.0.0.1:7071/hooks/hub/the-secret

This is the one time that the secret is shown.
note: Docker Hub signs nothing.
Try it: steppe webhook test hub
`);
  expect(world.requests).toEqual([["POST /v1/webhooks", { name: "hub", sender: "docker-hub", callback: true }]]);
  const json = await world.run("webhook", "add", "hub", "--sender", "docker-hub", "--json");
  expect(JSON.parse(json.stdout)).toEqual(setup);
  expect((await world.run("webhook", "add", "hub")).code).toBe(2);
});

test("a secret of the sender's is read from a file or standard input, never from an argument", async () => {
  await using world = await FakeWorld.make();
  world.routes.set("POST /v1/webhooks", { ...setup, block: "notifications:\n  endpoints:" });
  world.write("secret", "from-a-file\n");
  world.stdin = "from-standard-input\n";
  const { stdout } = await world.run("webhook", "add", "hub", "--sender", "gitlab", "--secret-file", "secret");
  expect(stdout).toContain("\n  notifications:\n    endpoints:\n");
  await world.run("webhook", "add", "hub", "--sender", "gitlab", "--secret-file", "-");
  expect(world.requests.map(([, body]) => (body as { secret: string }).secret)).toEqual([
    "from-a-file",
    "from-standard-input",
  ]);
  expect((await world.run("webhook", "add", "hub", "--sender", "gitlab", "--secret-file", "none")).code).toBe(2);
});

test("list and deliveries", async () => {
  await using world = await FakeWorld.make();
  const refused = {
    ...delivery,
    id: 16,
    verdict: "refused",
    status: 401,
    reason: "the signature is not the right one",
  };
  const again = { ...delivery, id: 18, status: null, repeats: 0, redeliveryOf: 17, hintCount: 30 };
  world.routes.set("GET /v1/webhooks", [webhook, { ...webhook, name: "b", lastDelivery: null, oldSecretUntil: NOW }]);
  expect((await world.run("webhook", "list")).stdout).toMatch(
    /^WEBHOOK  SENDER      SECRET +LAST DELIVERY\nhub      docker-hub  1 day ago +30 s ago, accepted\nb        docker-hub  1 day ago; the one before holds until \d\d:\d\d +none yet\n$/,
  );
  world.routes.set("GET /v1/webhooks", []);
  expect((await world.run("webhook", "list")).stdout).toMatch(/There are no webhooks/);
  world.routes.set("GET /v1/deliveries", [again, delivery, { ...refused, hints: [], hintCount: 0 }]);
  const { stdout } = await world.run("webhook", "deliveries", "hub", "--limit", "3", "--before", "19");
  expect(stdout.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "TIME")).toBe(`\
DELIVERY  CAME                 WEBHOOK  SENDER      ANSWER  WHAT CAME OF IT
18        TIME  hub      docker-hub  -       accepted: v2 of docker.io/steppe/blog: blog: deployment 7 (delivery 17 again)
                                                            and 29 more hints
17        TIME  hub      docker-hub  202     accepted: v2 of docker.io/steppe/blog: blog: deployment 7 (came 2 more times, last 30 s ago)
16        TIME  hub      docker-hub  401     refused: the signature is not the right one (came 2 more times, last 30 s ago)
`);
  expect(world.requests.at(-1)?.[0]).toBe("GET /v1/deliveries?limit=3&before=19&webhook=hub");
  world.routes.set("GET /v1/deliveries", []);
  const misspelled = await world.run("webhook", "deliveries", "hbu");
  expect([misspelled.code, misspelled.stderr]).toEqual([
    3,
    expect.stringMatching(/there is no such webhook.*\n.*`steppe webhook list`/),
  ]);
  world.routes.set("GET /v1/webhooks", [webhook]);
  expect((await world.run("webhook", "deliveries", "hub")).stdout).toBe("There are no deliveries.\n");
});

test("rotate says how long the secret before holds, and finishes", async () => {
  await using world = await FakeWorld.make();
  world.routes.set("POST /v1/webhooks/hub/rotate", { ...setup, webhook: { ...webhook, oldSecretUntil: NOW + 60_000 } });
  world.routes.set("POST /v1/webhooks/hub/finish-rotation", webhook);
  const { stdout } = await world.run("webhook", "rotate", "hub");
  expect(stdout).toMatch(
    /^Webhook hub has a new secret\. The one before holds, too, until \d\d:\d\d, or until: steppe/,
  );
  await world.run("webhook", "rotate", "hub", "--keep", "2h");
  world.routes.set("POST /v1/webhooks/hub/rotate", setup);
  expect((await world.run("webhook", "rotate", "hub", "--keep", "0")).stdout).toContain("is void from now on");
  expect(world.requests.map(([, body]) => body)).toEqual([
    { keepMs: 86_400_000 },
    { keepMs: 7_200_000 },
    { keepMs: 0 },
  ]);
  expect((await world.run("webhook", "rotate", "hub", "--finish")).stdout).toMatch(/only the newest secret holds/);
  for (const wrong of [
    ["--keep", "soon"],
    ["--keep", "91d"],
    ["--finish", "--keep", "1h"],
  ]) {
    expect((await world.run("webhook", "rotate", "hub", ...wrong)).code).toBe(2);
  }
});

test("test, redeliver and remove", async () => {
  await using world = await FakeWorld.make();
  world.routes.set("POST /v1/webhooks/hub/test", { status: 202, delivery });
  expect(await world.run("webhook", "test", "hub")).toMatchObject({
    code: 0,
    stdout: "202 accepted, delivery 17\n  v2 of docker.io/steppe/blog: blog: deployment 7\n",
  });
  world.routes.set("POST /v1/webhooks/hub/test", { status: 401, delivery: null });
  expect(await world.run("webhook", "test", "hub", "--json")).toMatchObject({
    code: 5,
    stdout: '{"status":401,"delivery":null}\n',
  });
  world.routes.set("POST /v1/deliveries/17/redeliver", { ...delivery, id: 18, redeliveryOf: 17 });
  expect((await world.run("webhook", "redeliver", "17")).stdout).toBe(
    "Delivery 17 is read again, as 18: accepted\n  v2 of docker.io/steppe/blog\n",
  );
  expect((await world.run("webhook", "redeliver", "x")).code).toBe(2);
  world.routes.set("GET /v1/webhooks/hub", webhook);
  world.routes.set("DELETE /v1/webhooks/hub", "");
  expect((await world.run("webhook", "remove", "hub")).code).toBe(2);
  expect((await world.run("webhook", "remove", "hub", "--yes", "--json")).stdout).toBe('{"removed":"hub"}\n');
});
