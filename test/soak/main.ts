import { argv, stderr, stdout } from "node:process";
import type { SoakResult } from "./soak-result.ts";

/**
 * `npm run soak -- NAME… [--tenth]`: long runs with faults. Each soak is a file that exports `run(scale)`; at scale 1 it
 * does the full counts. Without a name, all of them run. Prints a line for each and, at the end, `N passed, N failed`; what was skipped is neither.
 */
const soaks: Readonly<Record<string, () => Promise<{ run: (scale: number) => Promise<SoakResult> }>>> = {
  traffic: () => import("./traffic.ts"),
  "kill-control": () => import("./kill-control.ts"),
  "kill-ingress": () => import("./kill-ingress.ts"),
  "cut-journal": () => import("./cut-journal.ts"),
  "real-sites": () => import("./real-sites.ts"),
  "large-repository": () => import("./large-repository.ts"),
  images: () => import("./images.ts"),
  dockerfile: () => import("./dockerfile.ts"),
  webhooks: () => import("./webhooks.ts"),
  "image-rollbacks": () => import("./image-rollbacks.ts"),
  "nomad-traffic": () => import("./nomad-traffic.ts"),
  fuzz: () => import("./fuzz.ts"),
};

async function main(): Promise<void> {
  const args = argv.slice(2);
  const scale = args.includes("--tenth") ? 0.1 : 1;
  const wanted = args.filter((arg) => arg !== "--tenth");
  const unknown = wanted.filter((name) => soaks[name] === undefined);
  if (unknown.length > 0) {
    stderr.write(`no such soak: ${unknown.join(", ")}; there are: ${Object.keys(soaks).join(", ")}\n`);
    process.exitCode = 2;
    return;
  }
  const names = wanted.length === 0 ? Object.keys(soaks) : wanted;
  const outcomes: Outcome[] = [];
  for (const name of names) outcomes.push(await runOne(name, scale));
  const count = (outcome: Outcome): number => outcomes.filter((one) => one === outcome).length;
  stdout.write(`${count("passed")} passed, ${count("failed")} failed\n`);
  process.exitCode = count("failed") === 0 ? 0 : 1;
}

type Outcome = "passed" | "failed" | "skipped";

async function runOne(name: string, scale: number): Promise<Outcome> {
  const begin = performance.now();
  try {
    const soak = await soaks[name]?.();
    if (soak === undefined) throw new Error(`no such soak: ${name}`);
    const { problems, counts, skipped } = await soak.run(scale);
    if (skipped !== undefined) {
      stdout.write(`skip ${name}: ${skipped}\n`);
      return "skipped";
    }
    const seconds = ((performance.now() - begin) / 1000).toFixed(0);
    const said = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
    stdout.write(`${problems.length === 0 ? "ok  " : "FAIL"} ${name} (${seconds} s): ${said.join(", ")}\n`);
    for (const problem of problems.slice(0, 20)) stdout.write(`     ${problem}\n`);
    return problems.length === 0 ? "passed" : "failed";
  } catch (error) {
    stdout.write(`FAIL ${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
    return "failed";
  }
}

await main();
