import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { testDefinition } from "../../test/support/test-definition.ts";
import type { RemotesPort } from "../deployer/index.ts";
import { FakeClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { Store } from "../store/index.ts";
import { OpenPathTable } from "../webhooks/index.ts";
import { makeWebhooks } from "./make-webhooks.ts";
import { withOpenPaths } from "./open-path-watch.ts";

const compatible = { job: "blog", key: "k", service: null, webhook: "/blog", minHealthyMs: 0, healthyDeadlineMs: 1000 };
const image = { repository: "docker.io/team/blog", site: null };
const open = testDefinition("blog", { image, compatible });

test("where deliveries are received follows what apps say of their paths", async () => {
  using store = Store.open(":memory:");
  const openPaths = new OpenPathTable();
  const addresses: Array<string | null> = [];
  const watched: string[] = [];
  const { promise: isOpen, resolve: opened } = Promise.withResolvers<void>();
  const { promise: isClosed, resolve: closed } = Promise.withResolvers<void>();
  const webhooks = makeWebhooks({
    store,
    handler: { act: () => Promise.resolve("") },
    wanted: { host: "127.0.0.1", port: 0 },
    wantedOpen: { host: "::1", port: 0 },
    openPaths,
    socket: null,
    last: null,
    async changed(address) {
      addresses.push(address);
      if (address === null) closed();
      else opened();
    },
    clock: new FakeClock(),
    log: silentLogger,
  });
  const polled: RemotesPort = {
    watch: ({ name }) => void watched.push(name),
    forget: (app) => Promise.resolve(void watched.push(`without ${app}`)),
    trouble: () => null,
  };
  const remotes = withOpenPaths(polled, openPaths, () => webhooks.pathsChanged());
  remotes.watch(testDefinition("other"));
  await webhooks.start();
  expect([webhooks.has(), addresses]).toEqual([false, []]);
  remotes.watch(open);
  await isOpen;
  expect(addresses).toEqual([expect.stringMatching(/^http:\/\/\[::1\]:[0-9]+\/hooks\/$/)]);
  await webhooks.service.add({ name: "hub", sender: "docker-hub", callback: false }, () => ({ base: "", note: null }));
  expect(addresses).toHaveLength(1);
  await webhooks.service.remove("hub");
  remotes.watch({ ...open, compatible: null });
  await isClosed;
  remotes.watch(open);
  await remotes.forget("blog");
  expect([webhooks.has(), watched]).toEqual([false, ["other", "blog", "blog", "blog", "without blog"]]);
  await webhooks.stop();
});

test("with a webhook that proves itself the address changes when the first open path comes", async () => {
  using store = Store.open(":memory:");
  const openPaths = new OpenPathTable();
  const hosts: Array<string | undefined> = [];
  const { promise: isMoved, resolve: moved } = Promise.withResolvers<void>();
  const webhooks = makeWebhooks({
    store,
    handler: { act: () => Promise.resolve("") },
    wanted: { host: "127.0.0.1", port: 0 },
    wantedOpen: { host: "::1", port: 0 },
    openPaths,
    socket: null,
    last: null,
    async changed(address) {
      hosts.push(address === null ? undefined : new URL(address).hostname);
      if (hosts.length === 2) moved();
    },
    clock: new FakeClock(),
    log: silentLogger,
  });
  await webhooks.start();
  await webhooks.service.add({ name: "hub", sender: "docker-hub", callback: false }, () => ({ base: "", note: null }));
  openPaths.set("blog", { path: "/blog", repository: image.repository });
  webhooks.pathsChanged();
  await isMoved;
  expect(hosts).toEqual(["127.0.0.1", "[::1]"]);
  await webhooks.stop();
});

test("where it cannot listen for open paths, webhooks that prove themselves are received where they were", async () => {
  using store = Store.open(":memory:");
  await using other = createServer();
  await once(other.listen(0, "::1"), "listening");
  const openPaths = new OpenPathTable();
  const addresses: Array<string | null> = [];
  const { promise: isBack, resolve: back } = Promise.withResolvers<void>();
  const webhooks = makeWebhooks({
    store,
    handler: { act: () => Promise.resolve("") },
    wanted: { host: "127.0.0.1", port: 0 },
    wantedOpen: { host: "::1", port: (other.address() as AddressInfo).port },
    openPaths,
    socket: null,
    last: null,
    async changed(address) {
      addresses.push(address);
      if (addresses.length === 2) back();
    },
    clock: new FakeClock(),
    log: silentLogger,
  });
  await webhooks.start();
  await webhooks.service.add({ name: "hub", sender: "docker-hub", callback: false }, () => ({ base: "", note: null }));
  openPaths.set("blog", { path: "/blog", repository: image.repository });
  webhooks.pathsChanged();
  await isBack;
  expect(addresses[1]).toBe(addresses[0]);
  expect(addresses[0]).toMatch(/^http:\/\/127\.0\.0\.1:/);
  await webhooks.stop();
});
