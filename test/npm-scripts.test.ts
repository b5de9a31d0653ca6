import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryFolder } from "./support/temporary-folder.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, "utf8")) as { scripts: Record<string, string> };

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
