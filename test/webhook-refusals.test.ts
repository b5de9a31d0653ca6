import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeliveryView, PlatformStatus, WebhookSetup } from "../src/api/types.ts";
import { post } from "../src/webhooks/fakes.ts";
import { makeTestDelivery } from "../src/webhooks/senders/test-delivery.ts";
import { type DockerRegistry, startDockerRegistry } from "./support/docker-registry.ts";
import { type RunningSteppe, startSteppe } from "./support/steppe.ts";
import { pageLayer, putBlob, putManifest, tinyImage } from "./support/tiny-image.ts";

let steppe: RunningSteppe;
let port: number;
const secrets = new Map<string, string>();

beforeAll(async () => {
  steppe = await startSteppe();
  for (const sender of ["github", "gitea", "distribution", "docker-hub", "gitlab"]) {
    const setup = (await steppe.json("webhook", "add", sender, "--sender", sender)) as WebhookSetup;
    secrets.set(sender, setup.secret);
  }
  const { addresses } = (await steppe.json("status")) as PlatformStatus;
  port = Number(new URL(addresses.webhooks ?? "").port);
});
afterAll(() => steppe.stop());

/** A delivery of github's that is right. */
const right = () => makeTestDelivery("github", secrets.get("github") ?? "", Date.now());
const newest = async (name: string): Promise<DeliveryView | undefined> =>
  ((await steppe.json("webhook", "deliveries", name, "--limit", "1")) as DeliveryView[])[0];

describe("what is refused is answered with the right status, and is in the list", () => {
  const signature = "x-hub-signature-256";
  test.each<[string, string, Record<string, string>, string]>([
    ["a wrong signature", "github", { [signature]: `sha256=${"0".repeat(64)}` }, "the signature is not the right one"],
    ["an empty signature", "github", { [signature]: "" }, "there is no signature"],
    ["no signature", "github", {}, "there is no signature"],
    ["an empty signature of Gitea's", "gitea", { "x-gitea-signature": "" }, "there is no signature"],
    ["no header", "distribution", {}, "there is no Authorization header"],
    ["an empty header", "distribution", { authorization: "Bearer " }, "the Authorization header is not the right one"],
    ["a wrong token", "gitlab", { "x-gitlab-token": "wrong" }, "the X-Gitlab-Token header is not the right one"],
  ])("%s", async (_what, name, headers, reason) => {
    const answer = await post(port, `/hooks/${name}`, { "content-type": "application/json", ...headers }, "{}");
    expect(answer).toMatchObject({ status: 401, json: { code: "WEBHOOK_UNVERIFIED" } });
    expect(await newest(name)).toMatchObject({ verdict: "refused", status: 401, hintCount: 0 });
    expect((await newest(name))?.reason).toContain(reason);
  });

  test("a wrong token in the address, and none", async () => {
    expect((await post(port, "/hooks/docker-hub/wrong", {}, "{}")).status).toBe(401);
    expect((await post(port, "/hooks/docker-hub", {}, "{}")).status).toBe(401);
    expect(await newest("docker-hub")).toMatchObject({ reason: "the address has no token", status: 401 });
  });

  test("what is no JSON", async () => {
    const token = secrets.get("docker-hub") ?? "";
    expect((await post(port, `/hooks/docker-hub/${token}`, {}, "{ no")).status).toBe(400);
    expect(await newest("docker-hub")).toMatchObject({
      verdict: "refused",
      status: 400,
      reason: "the body is no JSON",
    });
  });

  test("a body of 100 MB, announced and not", async () => {
    const body = Buffer.alloc(100 * 1024 * 1024, 0x20);
    const { headers } = right();
    expect(
      (await post(port, "/hooks/github", { ...headers, "content-length": String(body.length) }, body)).status,
    ).toBe(413);
    expect((await post(port, "/hooks/github", { ...headers, "transfer-encoding": "chunked" }, body)).status).toBe(413);
    expect(await newest("github")).toMatchObject({ verdict: "refused", status: 413 });
  });

  test("the same again is answered 2xx and counted, and does nothing more", async () => {
    const { headers, body } = right();
    const first = await post(port, "/hooks/github", headers, body);
    const second = await post(port, "/hooks/github", headers, body);
    expect([first, second]).toMatchObject([
      { status: 202, json: { verdict: "accepted" } },
      { status: 202, json: { verdict: "duplicate", delivery: first.json["delivery"] } },
    ]);
    expect(await newest("github")).toMatchObject({ id: first.json["delivery"], repeats: 1, hintCount: 1 });
  });
});

test("a registry's queue goes on past what is ignored and what cannot be read", async (context) => {
  const secret = secrets.get("distribution") ?? "";
  const url = `http://127.0.0.1:${port}/hooks/distribution`;
  await using registry = await startDockerRegistry(context, {
    webhook: { url, headers: { Authorization: [`Bearer ${secret}`] } },
  });
  const hintsOf = async (tag: string): Promise<number> =>
    ((await steppe.json("webhook", "deliveries", "distribution", "--limit", "1000")) as DeliveryView[]).filter(
      ({ hints }) => hints.some(({ hint }) => hint.kind === "image" && hint.tag === tag),
    ).length;
  await push(registry, "v1");
  const pulled = await fetch(`http://${registry.host}/v2/sites/blog/manifests/v1`, {
    headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
  });
  expect(pulled.status).toBe(200);
  const type = "application/vnd.docker.distribution.events.v2+json";
  const nonsense = await post(
    port,
    "/hooks/distribution",
    { authorization: `Bearer ${secret}`, "content-type": type },
    "{",
  );
  expect(nonsense.status).toBe(202);
  await push(registry, "v2");
  await expect.poll(() => hintsOf("v2"), { timeout: 20_000 }).toBe(1);
  expect(await hintsOf("v1")).toBe(1);
  const reasons = ((await steppe.json("webhook", "deliveries", "distribution")) as DeliveryView[]).map(
    ({ verdict, status, reason }) => [verdict, status, reason],
  );
  expect(reasons).toContainEqual(["ignored", 200, "nothing was tagged"]);
  expect(reasons).toContainEqual(["ignored", 200, "the action is pull, not push"]);
  expect(reasons).toContainEqual(["refused", 202, "the body is no JSON"]);
});

async function push({ host }: DockerRegistry, tag: string): Promise<void> {
  const page = await pageLayer(tag);
  const image = tinyImage(page, 0);
  await putBlob(host, "sites/blog", image.layer);
  await putBlob(host, "sites/blog", image.config);
  await putManifest(host, "sites/blog", tag, image);
}
