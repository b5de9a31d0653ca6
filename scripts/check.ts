import { spawn } from "node:child_process";
import { stderr, stdout } from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Check {
  name: string;
  /** What it holds, for the table. */
  holds: string;
  args: readonly string[];
}

/** Each is a program for Node, relative to the root of the repository. */
const checks: readonly Check[] = [
  { name: "types", holds: "TypeScript, strict", args: ["node_modules/typescript/bin/tsc", "-p", "."] },
  { name: "lint", holds: "oxlint, with types", args: ["node_modules/oxlint/bin/oxlint"] },
  { name: "format", holds: "oxfmt", args: ["node_modules/oxfmt/bin/oxfmt", "--check", "."] },
  {
    name: "dead code",
    holds: "files, exports and packages that nobody uses",
    args: ["node_modules/knip/bin/knip.js", "--no-progress", "--no-config-hints", "-c", "scripts/check/knip-config.ts"],
  },
  {
    name: "rooms",
    holds: "who imports whom, sizes of files",
    args: ["node_modules/vitest/vitest.mjs", "run", "test/architecture", "--reporter=dot"],
  },
  { name: "schema", holds: "schema/ is what the code says", args: ["scripts/schema.ts", "--check"] },
];

interface Outcome extends Check {
  passed: boolean;
  ms: number;
  output: string;
}

async function run(check: Check): Promise<Outcome> {
  const begin = performance.now();
  const child = spawn(process.execPath, [...check.args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { ...check, passed: code === 0, ms: performance.now() - begin, output };
}

const outcomes = await Promise.all(checks.map(run));
for (const { name, passed, output } of outcomes) {
  if (!passed) stderr.write(`\n── ${name} ${"─".repeat(Math.max(0, 76 - name.length))}\n${output.trim()}\n`);
}
stdout.write("\n");
for (const { name, holds, passed, ms } of outcomes) {
  const verdict = passed ? "passed" : "FAILED";
  stdout.write(`${name.padEnd(10)} ${verdict}  ${(ms / 1000).toFixed(1).padStart(5)} s  ${holds}\n`);
}
if (outcomes.some(({ passed }) => !passed)) process.exitCode = 1;
