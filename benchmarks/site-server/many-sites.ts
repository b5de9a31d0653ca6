import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stderr } from "node:process";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { cpuSeconds } from "../lib/processes.ts";
import { type BenchmarkOptions, median, type Report, round } from "../lib/report.ts";
import type { Found } from "./many-sites-process.ts";
import { runWrk } from "./wrk.ts";
import { writeSites } from "./write-sites.ts";

const SITES = 10_000;
const PAGES = 60;
const ASSETS = 40;
const CONNECTIONS = 32;

interface Measured extends Found {
  rate: number;
  cpu: number;
}

/** Ten thousand sites of a hundred files each in one Node process. */
export async function measureManySites(
  { serverCore, loadCore }: { serverCore: number; loadCore: number },
  { rounds, seconds }: BenchmarkOptions,
): Promise<Report> {
  using folder = temporaryFolder("bench-sites");
  for (const name of ["sites", "packs"]) mkdirSync(folder.file(name));
  stderr.write(`making ${SITES} sites\n`);
  writeSites(folder.path, { sites: SITES, pages: PAGES, assets: ASSETS });
  const all: Measured[] = [];
  for (let index = 1; index <= rounds; index++) {
    stderr.write(`round ${index} of ${rounds}: ${SITES} sites\n`);
    all.push(await measureOne(folder.path, { serverCore, loadCore, seconds }));
  }
  const of = (read: (one: Measured) => number): number => median(all.map(read));
  const kilobytes = round(of(({ memoryASite }) => memoryASite) / 1024);
  const loadMs = round(
    of((one) => one.loadMs),
    0,
  );
  const switchMs = round(
    of((one) => one.switchMs),
    3,
  );
  return {
    title: `${SITES} sites of ${PAGES + ASSETS} files each in one Node process: what a site takes in memory and its index in bytes, to load them all, to switch one, and requests for pages of all of them. Medians.`,
    columns: ["sites", "KB a site", "index KB", "load ms", "switch ms", "longest ms", "req/s", "CPU µs"],
    rows: [
      {
        sites: SITES,
        "KB a site": kilobytes,
        "index KB": round(of(({ indexBytes }) => indexBytes) / 1024),
        "load ms": loadMs,
        "switch ms": switchMs,
        "longest ms": round(
          of(({ longestSwitchMs }) => longestSwitchMs),
          2,
        ),
        "req/s": round(
          of(({ rate }) => rate),
          0,
        ),
        "CPU µs": round(of(({ cpu }) => cpu)),
      },
    ],
    targets: [
      { name: "Node, memory a site", target: 30, got: kilobytes, unit: "KB" },
      { name: "Node, all loaded", target: 3000, got: loadMs, unit: "ms" },
      { name: "Node, one switched", target: 1, got: switchMs, unit: "ms" },
    ],
  };
}

async function measureOne(
  folder: string,
  { serverCore, loadCore, seconds }: { serverCore: number; loadCore: number; seconds: number },
): Promise<Measured> {
  const script = join(import.meta.dirname, "many-sites-process.ts");
  const args = ["-c", String(serverCore), process.execPath, "--expose-gc", script, folder];
  const child = spawn("taskset", args, { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit");
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value, done } = await lines.next();
    if (done === true) throw new Error("the process with many sites ended");
    const found = JSON.parse(value) as Found;
    const load = {
      url: `http://127.0.0.1:${found.port}/`,
      headers: {},
      connections: CONNECTIONS,
      core: loadCore,
      script: { name: "wrk-sites.lua", args: [String(SITES), String(PAGES)] },
    };
    await runWrk({ ...load, seconds: 1 });
    const before = cpuSeconds(child.pid ?? 0);
    const { requests, duration, failures, statuses } = await runWrk({ ...load, seconds });
    const cpu = ((cpuSeconds(child.pid ?? 0) - before) * 1e6) / requests;
    if (failures + statuses > 0) throw new Error(`${failures + statuses} of the answers were wrong`);
    return { ...found, rate: requests / duration, cpu };
  } finally {
    child.kill("SIGTERM");
    await exit;
  }
}
