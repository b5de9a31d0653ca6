import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCommand } from "../src/shared/run-command.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const packageJson = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { scripts: Record<string, string> };
const { scripts } = packageJson;

test("SIGTERM to `npm start` stops the platform", { timeout: 90_000 }, async () => {
  using data = temporaryFolder("npm-start");
  // As npm runs it: it passes signals to this shell, and the shell passes nothing on.
  const addresses = ["http", "https", "api"].map((name) => `--${name} 127.0.0.1:0`).join(" ");
  const shell = spawn("sh", ["-c", `${scripts["start"]} --json --data '${data.path}' ${addresses}`], {
    cwd: root,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(shell, "close");
  const said: string[] = [];
  for await (const line of createInterface({ input: shell.stdout })) {
    const { event } = JSON.parse(line) as { event: string };
    said.push(event);
    if (event === "hint" && !said.includes("stopping")) shell.kill("SIGTERM");
  }
  expect(await ended).toEqual([0, null]);
  expect(said.at(-1)).toBe("stopping");
});

test("every script hands its place to the launcher", () => {
  expect(Object.values(scripts).filter((script) => !script.startsWith("exec bin/steppe "))).toEqual([]);
});

test("a package holds what runs, and no TypeScript; it needs nothing but Node", { timeout: 60_000 }, async () => {
  const { code, stdout, stderr } = await runCommand({
    file: "npm",
    args: ["pack", "--dry-run", "--ignore-scripts", "--json"],
    cwd: root,
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/" },
  });
  expect(code, stderr).toBe(0);
  const text = stdout.toString();
  expect(text).toContain('"bin/steppe"');
  expect(text).toContain('"docs/cli.md"');
  expect(text).toContain('"examples/hello/steppe.yaml"');
  expect(text).not.toMatch(/\.ts"|"(src|test|scripts|node_modules)\//);
  expect(Object.keys(packageJson)).not.toContain("dependencies");
  expect(Object.keys(scripts)).toContain("prepack");
});
