import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { FakeWorld } from "./fake-world.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

function start(world: FakeWorld, args: readonly string[], env: Record<string, string> = {}) {
  return spawn(process.execPath, [main, ...args], {
    cwd: join(world.folder, "work"),
    env: { PATH: "/usr/bin:/bin", HOME: join(world.folder, "home"), ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

test("the process answers, with its exit code", async () => {
  await using world = await FakeWorld.make();
  world.routes.set("GET /v1/apps", []);
  const child = start(world, ["app", "list", "--json"]);
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect([stdout, code]).toEqual(["[]\n", 0]);
  const wrong = start(world, ["nothing"]);
  const [stderr, [exit]] = await Promise.all([text(wrong.stderr), once(wrong, "close")]);
  expect(stderr).toContain("there is no such command");
  expect(exit).toBe(2);
});

test("a reader that has had enough is no failure", async () => {
  await using world = await FakeWorld.make();
  world.routes.set("GET /v1/apps/blog/logs", (_: unknown, response: ServerResponse) => {
    const more = (): void => {
      if (!response.destroyed) response.write(`${"x".repeat(1000)}\n`.repeat(100), () => setImmediate(more));
    };
    more();
  });
  const child = start(world, ["logs", "blog", "--follow"]);
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect([stderr, code]).toEqual(["", 0]);
});

test("SIGINT ends it with 130", async () => {
  await using world = await FakeWorld.make();
  world.routes.set("GET /v1/apps", () => child.kill("SIGINT"));
  const child = start(world, ["app", "list"]);
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(130);
});

test("login takes the token from standard input", async () => {
  await using world = await FakeWorld.make();
  world.routes.set("GET /v1/status", { version: "1.2.3" });
  const child = start(world, ["login", world.url]);
  child.stdin.end("the-token\n");
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(0);
});

const hasScript = spawnSync("script", ["--version"]).error === undefined;

test.skipIf(!hasScript)("login on a terminal does not show the token (script: Debian package bsdutils)", async () => {
  await using world = await FakeWorld.make();
  world.routes.set("GET /v1/status", { version: "1.2.3" });
  const child = spawn("script", ["-qec", `"${process.execPath}" "${main}" login ${world.url}`, "/dev/null"], {
    cwd: join(world.folder, "work"),
    env: { PATH: "/usr/bin:/bin", HOME: join(world.folder, "home"), TERM: "xterm" },
  });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    if (!shown.includes("Token for") && (shown + chunk).includes("Token for")) child.stdin.write("the-token\r");
    shown += chunk;
  });
  const [code] = (await once(child, "close")) as [number];
  expect([code, shown.includes("the-token")]).toEqual([0, false]);
  expect(readFileSync(join(world.folder, "home/.config/steppe/credentials.json"), "utf8")).toContain("the-token");
});

test.skipIf(!hasScript)("a question on a terminal stays to be read (script: Debian package bsdutils)", async () => {
  await using world = await FakeWorld.make();
  world.routes.set("GET /v1/apps/blog/removal", { app: "blog", job: null, isStopped: false });
  world.routes.set("DELETE /v1/apps/blog", "");
  const child = spawn("script", ["-qec", `"${process.execPath}" "${main}" app remove blog`, "/dev/null"], {
    cwd: join(world.folder, "work"),
    env: { PATH: "/usr/bin:/bin", HOME: join(world.folder, "home"), TERM: "xterm" },
  });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    if (!shown.includes("[y/N]") && (shown + chunk).includes("[y/N]")) child.stdin.write("y\r");
    shown += chunk;
  });
  const [code] = (await once(child, "close")) as [number];
  expect([code, shown]).toEqual([0, expect.stringContaining("[y/N]")]);
  // Nothing takes it away again: after the last time that a line was cleared, it was written.
  expect(shown.slice(shown.lastIndexOf("\u001b[0J"))).toContain("[y/N]");
});
