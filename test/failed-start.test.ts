import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { httpGet } from "./support/http-get.ts";
import { steppeProgram, startSteppe } from "./support/steppe.ts";
import { runCommand } from "../src/shared/run-command.ts";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { temporaryFolder } from "./support/temporary-folder.ts";

/** A data folder with the example live, of a machine that lost its power since, and its store with that. */
async function brokenData(data: string): Promise<{ http: string; https: string }> {
  const steppe = await startSteppe({ data, args: ["--example", "--workers", "1"] });
  const { http, https } = steppe.addresses;
  while ((await steppe.get({ host: "hello.localhost", path: "/" })).status !== 200);
  for (const pid of steppe.processes()) process.kill(pid, "SIGKILL");
  await steppe.stop();
  for (const suffix of ["-wal", "-shm"]) rmSync(`${data}/steppe.db${suffix}`, { force: true }); // they would mend it
  writeFileSync(`${data}/steppe.db`, "this is no store, though it is long enough to be one".repeat(100));
  return { http, https };
}

function argumentsFor(data: string, { http, https }: { http: string; https: string }): string[] {
  const addresses = ["--http", new URL(http).host, "--https", new URL(https).host, "--api", "127.0.0.1:0"];
  return ["up", "--json", "--workers", "1", "--data", data, ...addresses];
}

function ingressProcesses(data: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`"dataFolder":"${data}"`);
    } catch {
      return false; // it has just ended
    }
  });
}

describe("when the store is damaged", () => {
  test("a service goes on serving visitors, says so, and stops when told to", { timeout: 60_000 }, async () => {
    using folder = temporaryFolder("data");
    const addresses = await brokenData(folder.path);
    const launcher = spawn(steppeProgram, argumentsFor(folder.path, addresses), {
      env: { PATH: process.env["PATH"] ?? "", HOME: folder.path, STEPPE_SERVICE: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const closed = new Promise<number | null>((resolve) => void launcher.once("close", resolve));
    try {
      const codes: unknown[] = [];
      for await (const line of createInterface({ input: launcher.stdout })) {
        const { event, error } = JSON.parse(line) as { event: string; error?: { code: string } };
        if (event === "failed") codes.push(error?.code);
        if (codes.length === 2) break;
      }
      expect(codes).toEqual(["STORE_CORRUPT", "STORE_CORRUPT"]);
      const page = await httpGet(addresses.http, { host: "hello.localhost", path: "/" });
      expect(page.status).toBe(200);
    } finally {
      launcher.kill("SIGTERM");
      await closed;
    }
    await expect.poll(() => ingressProcesses(folder.path)).toEqual([]);
  });

  test("in a terminal the command ends with the error, and nothing is left", { timeout: 60_000 }, async () => {
    using folder = temporaryFolder("data");
    const addresses = await brokenData(folder.path);
    const { code, stdout } = await runCommand({
      file: steppeProgram,
      args: argumentsFor(folder.path, addresses),
      env: { PATH: process.env["PATH"] ?? "", HOME: folder.path },
    });
    expect(code).toBe(7);
    expect(stdout.toString()).toContain("STORE_CORRUPT");
    await expect.poll(() => ingressProcesses(folder.path)).toEqual([]);
  });
});
