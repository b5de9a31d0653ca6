import { globSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { DemoReport } from "../scripts/demo/run-demo.ts";
import { runCommand } from "../src/shared/run-command.ts";
import { steppeProgram } from "./support/steppe.ts";

const script = fileURLToPath(new URL("../scripts/demo.ts", import.meta.url));
const leftovers = (): string[] => globSync("steppe-demo-*", { cwd: tmpdir() });

test("npm run demo -- --once --json tells the whole story and leaves nothing", { timeout: 120_000 }, async () => {
  const before = leftovers();
  const { code, stdout, stderr } = await runCommand({
    file: steppeProgram,
    args: ["--run", script, "--once", "--json"],
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" },
    cwd: join(script, "../.."),
  });
  const report = JSON.parse(stdout.toString()) as DemoReport;
  expect(report, stderr).toMatchObject({ ok: true, failureExplained: expect.stringMatching(/\S: \S/) });
  expect(code).toBe(0);
  expect(Object.keys(report.steps)).toEqual([
    "start",
    "add",
    "push",
    "http",
    "https",
    "secondPush",
    "secondPage",
    "brokenPush",
    "oldPage",
    "explanation",
    "rollback",
    "firstPage",
    "stop",
  ]);
  expect(leftovers()).toEqual(before);
});
