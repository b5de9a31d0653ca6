import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { beHostile, type HostileLoad } from "../../../test/support/hostile-clients.ts";
import { type NativeServer, startNative } from "../../../test/support/native-server.ts";
import { wrongAnswers } from "../../../test/support/native-vectors.ts";
import { FINDING, SANITIZER_ENV, sanitizedBinary } from "../../../test/support/sanitized-server.ts";
import { type TemporaryFolder, temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { siteFolder } from "../test-support/site-folder.ts";
import { vectorSite } from "../test-support/vectors.ts";

const LARGE = 6_000_000;
const LOAD: HostileLoad = { clients: 270, atOnce: 24, paths: ["/large.bin", "/", "/page.html", "/folder/a.txt"] };
const TIMEOUT = { timeout: 60_000 };

function hostileSite(): TemporaryFolder {
  const site = temporaryFolder("sanitized");
  writeFileSync(site.file("index.html"), "hello\n");
  writeFileSync(site.file("page.html"), "page ".repeat(1000));
  writeFileSync(site.file("page.html.br"), "compressed");
  writeFileSync(site.file("_headers"), "/*\n  X-Rule: yes\n");
  writeFileSync(site.file("_redirects"), "/old/* /folder/:splat 301\n");
  writeFileSync(site.file("large.bin"), Buffer.alloc(LARGE, "0123456789abcdef"));
  return site;
}

/** Changes files as they are served: they grow, shrink, go and come, and a folder becomes a link. */
function change(site: TemporaryFolder, round: number): void {
  writeFileSync(site.file("index.html"), "hello\n".repeat(1 + ((round * 37) % 4000)));
  if (round % 3 === 0) truncateSync(site.file("large.bin"), LARGE >> (1 + (round % 5)));
  if (round % 3 === 1) truncateSync(site.file("large.bin"), LARGE);
  rmSync(site.file("folder"), { recursive: true, force: true });
  if (round % 2 === 0) symlinkSync(".", site.file("folder"));
  else mkdirSync(site.file("folder"));
  writeFileSync(site.file("a.txt"), `round ${round}`);
  if (round % 2 !== 0) renameSync(site.file("a.txt"), site.file("folder/a.txt"));
}

/** Ends the server while it is at work, and says what the sanitizers said. */
async function endUnderLoad(server: NativeServer): Promise<void> {
  const clients = beHostile(server, { ...LOAD, clients: 48 });
  await server.exchange("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
  server.process.kill("SIGTERM");
  const outcome = await server.ended();
  await clients;
  expect(server.errors.filter((line) => FINDING.test(line))).toEqual([]);
  expect(outcome, server.errors.join("\n")).toEqual([0, null]);
}

async function openConnections(server: NativeServer): Promise<string | undefined> {
  const page = await server.exchange("GET /metrics HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
  return /steppe_connections_open\{.*\} (\d+)/.exec(page.toString())?.[1];
}

test("the vectors pass under the sanitizers", { timeout: 120_000 }, async (context) => {
  const binary = await sanitizedBinary(context);
  using folder = siteFolder(vectorSite());
  await using server = await startNative(binary, folder.path, { env: SANITIZER_ENV });
  expect(await wrongAnswers(server)).toEqual([]);
  server.process.kill("SIGTERM");
  expect([...(await server.ended()), ...server.errors.slice(1)]).toEqual([0, null]);
});

test(
  "--watch, hostile clients, files that change and shrink: the sanitizers find nothing",
  TIMEOUT,
  async (context) => {
    const binary = await sanitizedBinary(context);
    using site = hostileSite();
    await using server = await startNative(binary, site.path, { flags: ["-watch"], env: SANITIZER_ENV });
    let isOver = false;
    const changes = async (): Promise<void> => {
      for (let round = 0; !isOver; round++) {
        change(site, round);
        await server.exchange("GET /folder/a.txt HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
      }
    };
    const changing = changes();
    await beHostile(server, LOAD).finally(() => (isOver = true));
    await changing;
    await expect.poll(() => openConnections(server), { timeout: 10_000 }).toBe("1");
    await endUnderLoad(server);
  },
);

test("two workers and few descriptors, hostile clients: the sanitizers find nothing", TIMEOUT, async (context) => {
  const binary = await sanitizedBinary(context);
  using site = hostileSite();
  const flags = ["-workers", "2", "-clean-urls", "-fallback", "index.html"];
  const wrapper = ["prlimit", "--nofile=24:24"];
  await using server = await startNative(binary, site.path, { flags, wrapper, env: SANITIZER_ENV });
  await beHostile(server, { ...LOAD, atOnce: 64 });
  await server.said("the limit of open files is reached");
  await endUnderLoad(server);
});
