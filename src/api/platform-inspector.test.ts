import { linkSync, mkdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { FakeClock } from "../shared/clock.ts";
import { memoryOf, PlatformInspector } from "./platform-inspector.ts";
import { pushUrl, siteUrls } from "./site-urls.ts";

const addresses = {
  http: "http://127.0.0.1:8080",
  https: "https://127.0.0.1:8443",
  api: "http://127.0.0.1:7070",
  git: "http://127.0.0.1:7070/git/",
  webhooks: null,
};

test("the status names processes, addresses, and the disk's use, which is measured now and then", async () => {
  await using folder = temporaryFolder();
  const paths = {
    root: folder.path,
    packs: folder.file("packs"),
    images: folder.file("images"),
    oci: folder.file("oci"),
    repositories: folder.file("repositories"),
  };
  mkdirSync(paths.packs);
  mkdirSync(folder.file("backups"));
  writeFileSync(folder.file("packs", "1.pack"), Buffer.alloc(100_000));
  linkSync(folder.file("packs", "1.pack"), folder.file("backups", "same"));
  writeFileSync(folder.file("steppe.db"), Buffer.alloc(8192));
  const clock = new FakeClock();
  const inspector = new PlatformInspector({
    version: "1.2.3",
    engine: "local",
    paths,
    addresses: () => addresses,
    startedAt: 5,
    ingress: () => [
      { pid: process.pid, startedAt: 7 },
      { pid: 2 ** 22 + 1, startedAt: 8 },
    ],
    clock,
  });
  const status = await inspector.status();
  expect(status).toMatchObject({ version: "1.2.3", addresses, dataFolder: folder.path });
  expect(status.processes.map(({ kind, startedAt }) => [kind, startedAt])).toEqual([
    ["control", 5],
    ["ingress", 7],
    ["ingress", 8],
  ]);
  expect(status.processes[2]?.memory).toBeNull();
  expect(status.disk.files).toBeGreaterThanOrEqual(100_000);
  expect(status.disk).toMatchObject({ repositories: 0 });
  expect(status.disk.other).toBeLessThan(50_000); // the same file is not counted twice
  writeFileSync(folder.file("packs", "2.pack"), Buffer.alloc(100_000));
  expect((await inspector.status()).disk).toEqual(status.disk);
  await clock.advance(31_000);
  expect((await inspector.status()).disk.files).toBeGreaterThanOrEqual(200_000);
});

test("memory is told of processes that one may look at", () => {
  const memory = memoryOf(process.pid);
  if (memory !== null) expect(memory).toBeGreaterThan(1_000_000);
  expect(memoryOf(2 ** 22 + 1)).toBeNull();
});

test("addresses", () => {
  const domains = ["blog.localhost", "*.wild.test", "*"];
  expect(siteUrls({ domains, redirectToHttps: false }, addresses)).toEqual([
    "http://blog.localhost:8080",
    "http://*.wild.test:8080",
    "http://127.0.0.1:8080",
  ]);
  const standard = { http: "http://192.0.2.1", https: "https://192.0.2.1" };
  expect(siteUrls({ domains: ["a.test"], redirectToHttps: true }, standard)).toEqual(["https://a.test"]);
  expect(pushUrl("blog", "a/b c", addresses)).toBe("http://steppe:a%2Fb%20c@127.0.0.1:7070/git/blog.git");
});
