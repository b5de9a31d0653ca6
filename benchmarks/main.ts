import { argv, exitCode, stderr, stdout } from "node:process";
import { formatTable, type Report } from "./lib/report.ts";

/** `npm run bench -- NAME`: each benchmark is a file of that name, which exports `run`. */
const benchmarks: Readonly<Record<string, () => Promise<{ run: (rounds: number) => Promise<Report> }>>> = {
  deploy: () => import("./deploy.ts"),
  platform: () => import("./platform.ts"),
};

async function main(): Promise<void> {
  const [name = "", ...rest] = argv.slice(2);
  const load = benchmarks[name];
  if (load === undefined) {
    stderr.write(`usage: npm run bench -- NAME [ROUNDS]\nNAME is one of: ${Object.keys(benchmarks).join(", ")}\n`);
    process.exitCode = 2;
    return;
  }
  const rounds = Number(rest[0] ?? 3);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`ROUNDS is a whole number from 1: ${rest[0]}`);
  const { run } = await load();
  const report = await run(rounds);
  stdout.write(`${formatTable(report)}\n${JSON.stringify({ benchmark: name, rounds, ...report })}\n`);
  process.exitCode = exitCode ?? 0;
}

await main();
