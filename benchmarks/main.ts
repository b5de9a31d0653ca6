import { argv, exitCode, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { type BenchmarkOptions, formatTable, type Report } from "./lib/report.ts";

/** `npm run bench -- NAME`: each benchmark is a file of that name, which exports `run`. */
const benchmarks: Readonly<Record<string, () => Promise<{ run: (options: BenchmarkOptions) => Promise<Report[]> }>>> = {
  core: () => import("./core.ts"),
  deploy: () => import("./deploy.ts"),
  image: () => import("./image.ts"),
  nomad: () => import("./nomad.ts"),
  platform: () => import("./platform.ts"),
  "site-server": () => import("./site-server.ts"),
};

const usage = `usage: npm run bench -- NAME [ROUNDS] [--seconds N] [--only WHAT,…] [--quick]
NAME is one of: ${Object.keys(benchmarks).join(", ")}
  ROUNDS       how often everything is measured (3); medians are shown
  --seconds N  how long each load goes on, of site-server (5)
  --only WHAT  of site-server: only these servers, cases, \`bare\`, \`logged\`, \`tls\`, \`scale\` or \`sites\`; of image: only these tools;
               of nomad: only \`serving\`, \`canary\` or \`jobs\`
  --quick      one round, two seconds: to see that all works
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    args: argv.slice(2),
    allowPositionals: true,
    options: { seconds: { type: "string" }, only: { type: "string" }, quick: { type: "boolean" } },
  });
  const [name = "", rounds] = positionals;
  const load = benchmarks[name];
  if (load === undefined) {
    stderr.write(usage);
    process.exitCode = 2;
    return;
  }
  const isQuick = values.quick === true;
  const options: BenchmarkOptions = {
    rounds: positive(rounds ?? (isQuick ? "1" : "3"), "ROUNDS"),
    seconds: positive(values.seconds ?? (isQuick ? "2" : "5"), "--seconds"),
    only: new Set(values.only?.split(",").map((word) => word.trim())),
    isQuick,
  };
  const { run } = await load();
  const tables = await run(options);
  for (const table of tables) stdout.write(`${formatTable(table)}\n`);
  const { rounds: made, seconds } = options;
  stdout.write(`${JSON.stringify({ benchmark: name, rounds: made, seconds, tables })}\n`);
  process.exitCode = exitCode ?? 0;
}

function positive(text: string, what: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${what} is a whole number from 1: ${text}`);
  return number;
}

await main();
