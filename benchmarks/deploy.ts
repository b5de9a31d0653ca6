import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { Agent, request, type RequestOptions } from "node:http";
import { join } from "node:path";
import { stderr } from "node:process";
import { GitRepository } from "../test/support/git-repository.ts";
import { type RunningSteppe, startSteppe } from "../test/support/steppe.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { untilIdle } from "./lib/processes.ts";
import { type BenchmarkOptions, median, type Report, round } from "./lib/report.ts";
import { sitePages } from "./lib/sites.ts";

interface Measured {
  /** Milliseconds from the server's having the refs, or its being asked, to the first answer with the new content. */
  live: number;
  /** Milliseconds of the whole command. */
  wall: number;
  /** Bytes that the data folder grew by, on disk, until then. */
  disk: number;
}

const SIZES = [10, 1000, 30_000];
const STEPS = ["first deploy", "1 % changed", "rollback"] as const;

/** Sites of pages of 4 KB, pushed with git over HTTP to a platform of its own, and rolled back through the API. */
export async function run({ rounds }: BenchmarkOptions): Promise<Report[]> {
  const rows: Report["rows"] = [];
  const liveMs = new Map<string, number>();
  for (const files of SIZES) {
    const measured: Array<Record<(typeof STEPS)[number], Measured>> = [];
    for (let index = 0; index < rounds; index++) {
      stderr.write(`${files} files, round ${index + 1} of ${rounds}\n`);
      measured.push(await measureRound(files));
    }
    for (const step of STEPS) {
      const of = (field: keyof Measured): number => median(measured.map((one) => one[step][field]));
      liveMs.set(`${files} ${step}`, round(of("live")));
      rows.push({
        files,
        step,
        "live ms": round(of("live")),
        "command ms": round(of("wall")),
        "KiB on disk": round(of("disk") / 1024, 0),
      });
    }
  }
  const target = (name: string, most: number) => ({
    name,
    target: most,
    got: liveMs.get(name) ?? Number.NaN,
    unit: "ms",
  });
  const report: Report = {
    title:
      "From the refs (or the request) to the first answer with the new content; pages of 4 KB, no build command; medians.",
    columns: ["files", "step", "live ms", "command ms", "KiB on disk"],
    rows,
    targets: [
      target("10 first deploy", 150),
      target("10 1 % changed", 150),
      target("30000 1 % changed", 1500),
      ...SIZES.map((files) => target(`${files} rollback`, 50)),
    ],
  };
  return [report];
}

async function measureRound(files: number): Promise<Record<(typeof STEPS)[number], Measured>> {
  using folder = temporaryFolder("bench");
  await using steppe = await startSteppe();
  const repository = await GitRepository.init(folder.path);
  const { pushUrl } = (await steppe.json("app", "add", "bench", "--domain", "bench.localhost")) as { pushUrl: string };
  await repository.git("remote", "add", "steppe", pushUrl);
  await repository.tag("v1", sitePages(files, 1, files));
  const first = await measurePush(steppe, repository, "v1", 1);
  await settle(steppe);
  await repository.tag("v2", sitePages(files, 2, Math.max(1, files / 100)));
  const second = await measurePush(steppe, repository, "v2", 2);
  await settle(steppe);
  return { "first deploy": first, "1 % changed": second, rollback: await measureRollback(steppe) };
}

/**
 * Waits until the platform idles, and until the disk does: the user's repository lies on another machine, so that what git wrote there
 * must not make the platform's own syncing wait.
 */
async function settle(steppe: RunningSteppe): Promise<void> {
  await untilIdle(steppe.processes);
  execFileSync("sync");
}

async function measurePush(
  steppe: RunningSteppe,
  repository: GitRepository,
  tag: string,
  version: number,
): Promise<Measured> {
  const before = diskUse(steppe.data);
  execFileSync("sync");
  const begin = Date.now();
  const push = repository.git("push", "--quiet", "steppe", tag).then(() => Date.now());
  const liveAt = await firstAnswer(steppe, version);
  const refAt = statSync(join(steppe.data, "repositories", "bench.git", "refs", "tags", tag)).mtimeMs;
  return { live: liveAt - refAt, wall: (await push) - begin, disk: diskUse(steppe.data) - before };
}

async function measureRollback(steppe: RunningSteppe): Promise<Measured> {
  const before = diskUse(steppe.data);
  const begin = preciseNow();
  const asked = ask(new URL(`${steppe.addresses.api}/v1/apps/bench/rollback`), {
    method: "POST",
    headers: { authorization: `Bearer ${steppe.token}`, "content-type": "application/json" },
    body: JSON.stringify({ release: 1 }),
  });
  const liveAt = await firstAnswer(steppe, 1);
  const { status, text } = await asked;
  if (status !== 202) throw new Error(`the rollback was refused: ${text}`);
  return { live: liveAt - begin, wall: preciseNow() - begin, disk: diskUse(steppe.data) - before };
}

/** Asks again and again, one request after the other, and gives the time at which the wanted version answered. */
async function firstAnswer(steppe: RunningSteppe, version: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const end = preciseNow() + 300_000;
  try {
    while (preciseNow() < end) {
      const { text } = await ask(new URL(steppe.addresses.http), { agent, headers: { host: "bench.localhost" } });
      if (text.includes(`<p>version ${version}</p>`)) return preciseNow();
      await new Promise((resolve) => setTimeout(resolve, 1)); // leaves the processor to the platform
    }
  } finally {
    agent.destroy();
  }
  throw new Error(`version ${version} did not answer within five minutes`);
}

/** By `node:http`: the first `fetch` of a process loads so much that it would be a good part of what is measured. */
function ask(
  url: URL,
  { body, ...options }: RequestOptions & { body?: string },
): Promise<{ status: number | undefined; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; text: string }>();
  const asking = request(url, options, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => (text += chunk));
    response.on("end", () => resolve({ status: response.statusCode, text }));
    response.on("error", reject);
  });
  asking.on("error", reject);
  asking.end(body);
  return promise;
}

/** Milliseconds since 1970, with their fractions, like the time stamps of files. */
function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Bytes of disk that a folder takes, sparse files and blocks counted as they are. */
function diskUse(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + blocksOf(join(entry.parentPath, entry.name)), 0);
}

function blocksOf(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}
