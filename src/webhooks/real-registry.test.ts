import { createHash } from "node:crypto";
import { expect, test, type TestContext } from "vitest";
import { type DockerRegistry, startDockerRegistry } from "../../test/support/docker-registry.ts";
import { until } from "../../test/support/until.ts";
import { systemClock } from "../shared/clock.ts";
import { DeliveryTable, Store } from "../store/index.ts";
import { BrokenJournal, startReceiver } from "./fakes.ts";
import type { Hint } from "./index.ts";
import { SECRET } from "./senders/fakes.ts";

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const digestOf = (content: string): string => `sha256:${createHash("sha256").update(content).digest("hex")}`;

function startRegistry(context: TestContext, url: string): Promise<DockerRegistry> {
  const headers = { Authorization: [`Bearer ${SECRET}`] };
  return startDockerRegistry(context, { webhook: { url, headers } });
}

/** Pushes an image of one layer. Returns its digest. */
async function push(host: string, reference: string | null, content: string): Promise<string> {
  const put = async (url: string, type: string, body: string): Promise<void> => {
    const answer = await fetch(url, { method: "PUT", headers: { "content-type": type }, body });
    expect(answer.status).toBe(201);
  };
  const base = `http://${host}/v2/sites/blog`;
  for (const blob of ["{}", content]) {
    const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
    const place = new URL(begun.headers.get("location")!, base);
    place.searchParams.set("digest", digestOf(blob));
    await put(place.href, "application/octet-stream", blob);
  }
  const part = (mediaType: string, blob: string): object => ({ mediaType, size: blob.length, digest: digestOf(blob) });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: part("application/vnd.docker.container.image.v1+json", "{}"),
    layers: [part("application/vnd.docker.image.rootfs.diff.tar.gzip", content)],
  });
  await put(`${base}/manifests/${reference ?? digestOf(manifest)}`, MANIFEST, manifest);
  return digestOf(manifest);
}

test("a registry's pushes become one hint for each tag, though it is turned away at first", async (context) => {
  using store = Store.open(":memory:");
  const journal = new BrokenJournal(new DeliveryTable<Hint>(store));
  let failures = 3;
  journal.fails = () => failures-- > 0;
  await using running = await startReceiver({ store, journal, clock: systemClock });
  await using registry = await startRegistry(context, `http://127.0.0.1:${running.port}/hooks/distribution`);

  await push(registry.host, null, "one platform");
  const first = await push(registry.host, "v1", "first");
  const pulled = await fetch(`http://${registry.host}/v2/sites/blog/manifests/v1`, { headers: { accept: MANIFEST } });
  expect(pulled.status).toBe(200);
  const second = await push(registry.host, "v2", "second");
  await until(() => running.hints.length >= 2);

  const image = { kind: "image", registry: registry.host, repository: "sites/blog" };
  expect(running.hints.map(({ hint }) => hint)).toMatchObject([
    { ...image, tag: "v1", digest: first },
    { ...image, tag: "v2", digest: second },
  ]);
  const deliveries = running.table.list({ limit: 99 });
  expect(new Set(deliveries.map(({ reason }) => reason))).toEqual(
    new Set([null, "nothing was tagged", "the action is pull, not push"]),
  );
  expect(failures).toBeLessThan(0);
  expect(running.hints.every(({ hint }) => hint.eventId !== null && Math.abs(Date.now() - hint.at!) < 60_000)).toBe(
    true,
  );
});

test("a registry whose secret is wrong is turned away, and nothing is lost once it is right", async (context) => {
  await using running = await startReceiver({ clock: systemClock });
  const hook = running.known.get("distribution")!;
  running.known.set("distribution", { ...hook, secrets: ["another"] });
  await using registry = await startRegistry(context, `http://127.0.0.1:${running.port}/hooks/distribution`);
  await push(registry.host, "v1", "first");
  await until(() => running.table.list({ limit: 1 })[0]?.status === 401);
  expect(running.hints).toEqual([]);
  running.known.set("distribution", hook);
  await until(() => running.hints.length > 0);
  expect(running.hints).toMatchObject([{ hint: { tag: "v1" } }]);
});
