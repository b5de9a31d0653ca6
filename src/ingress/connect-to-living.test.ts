import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { silentLogger } from "../shared/log.ts";
import { connectToLiving } from "./connect-to-living.ts";

test("a process that ends just as it is asked is gone, not a failure", async () => {
  await using folder = temporaryFolder();
  const socket = folder.file("ingress-0-dead.sock");
  // Listens and never accepts, so that we wait in its queue when it is killed.
  const script = `const server = require("node:net").createServer().listen(${JSON.stringify(socket)}, () => {
    process.stdout.write("listening");
    const end = Date.now() + 60_000;
    while (Date.now() < end);
  });`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const ended = once(child, "exit");
  const living = connectToLiving(folder.path, silentLogger);
  // Without giving way: when we are told that we are connected, the other side has been closed.
  child.kill("SIGKILL");
  while (!/\) Z /.test(readFileSync(`/proc/${child.pid}/stat`, "utf8")));
  expect(await living).toEqual([]);
  expect(existsSync(socket)).toBe(false);
  await ended;
});
