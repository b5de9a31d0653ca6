import { Agent, request } from "node:http";
import { stderr } from "node:process";
import { pack } from "tar-stream";
import { type AppDefinition, definitionFromOptions } from "../src/config/index.ts";
import { type RunningSteppe, startSteppe } from "../test/support/steppe.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { cpuSeconds, memoryTogether, untilIdle } from "./lib/processes.ts";
import { type BenchmarkOptions, median, type Report, round } from "./lib/report.ts";
import { page, pagePath } from "./lib/sites.ts";

const SITES = [1, 100, 1000];
const PAGES = 10;
const IDLE_SECONDS = 20;
/** Seconds after a start in which what it leaves is cleared up: that is no idling. */
const CLEARING_SECONDS = 5;

interface Measured {
  fresh: number;
  idle: number;
  cpu: number;
  start: number;
}

/** Idle memory and processor time of the whole platform, and how soon it answers. */
export async function run({ rounds }: BenchmarkOptions): Promise<Report[]> {
  const rows: Report["rows"] = [];
  for (const sites of SITES) rows.push(await measureSites(sites, rounds));
  const got = (sites: number, column: string): number => Number(rows.find((row) => row["sites"] === sites)?.[column]);
  const report: Report = {
    title:
      `Memory of all processes, launcher included, what they share counted once, with sites of ${PAGES} pages of 4 KB: right after they were deployed, and idle after a restart; ` +
      `processor time in ${IDLE_SECONDS} s of idling; from the start of the command to the first answer. Medians.`,
    columns: ["sites", "MB after deploying", "MB idle", "CPU %", "first answer ms"],
    rows,
    targets: [
      { name: "100 sites, idle memory", target: 120, got: got(100, "MB idle"), unit: "MB" },
      { name: "100 sites, processor", target: 0.5, got: got(100, "CPU %"), unit: "% of a core" },
      { name: "1000 sites, first answer", target: 1000, got: got(1000, "first answer ms"), unit: "ms" },
    ],
  };
  return [report];
}

async function measureSites(sites: number, rounds: number): Promise<Report["rows"][number]> {
  using folder = temporaryFolder("bench");
  const data = `${folder.path}/data`;
  stderr.write(`${sites} sites: deploying\n`);
  const { fresh, http } = await deploySites(data, sites);
  const measured: Measured[] = [];
  for (let index = 0; index < rounds; index++) {
    stderr.write(`${sites} sites: round ${index + 1} of ${rounds}\n`);
    measured.push({ fresh, ...(await measureStart(data, sites, http)) });
  }
  const of = (field: keyof Measured): number => median(measured.map((one) => one[field]));
  return {
    sites,
    "MB after deploying": round(of("fresh") / 1e6),
    "MB idle": round(of("idle") / 1e6),
    "CPU %": round(of("cpu") * 100, 2),
    "first answer ms": round(of("start"), 0),
  };
}

/** Makes the sites; returns the memory in use when all is quiet again, and where the sites were. */
async function deploySites(data: string, sites: number): Promise<{ fresh: number; http: string }> {
  await using steppe = await startSteppe({ data });
  const definitions = await Promise.all(Array.from({ length: sites }, (_, site) => definition(site)));
  await post(steppe, "/v1/apply", JSON.stringify({ definitions }));
  for (let site = 0; site < sites; site++) {
    await post(steppe, `/v1/apps/site-${site}/uploads`, await archive(site), "application/x-tar");
  }
  await firstAnswer(steppe.addresses.http, sites);
  await untilIdle(steppe.processes);
  return { fresh: memory(steppe), http: steppe.addresses.http };
}

/** Starts on the same port as before, and asks from the first moment: the ingress answers before control is ready. */
async function measureStart(data: string, sites: number, http: string): Promise<Omit<Measured, "fresh">> {
  const begin = performance.now();
  const answered = firstAnswer(http, sites).then(() => performance.now() - begin);
  await using steppe = await startSteppe({ data, args: ["--http", new URL(http).host] });
  const start = await answered;
  await new Promise((resolve) => setTimeout(resolve, CLEARING_SECONDS * 1000));
  await untilIdle(steppe.processes);
  const before = processor(steppe);
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
  return { start, cpu: (processor(steppe) - before) / IDLE_SECONDS, idle: memory(steppe) };
}

function memory(steppe: RunningSteppe): number {
  return memoryTogether(steppe.processes());
}

function processor(steppe: RunningSteppe): number {
  return steppe.processes().reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

function definition(site: number): Promise<AppDefinition> {
  return definitionFromOptions(`site-${site}`, { domain: [`site-${site}.localhost`] });
}

async function archive(site: number): Promise<Buffer> {
  const tar = pack();
  for (let index = 0; index < PAGES; index++) tar.entry({ name: pagePath(index) }, page(index, site));
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function post(
  steppe: RunningSteppe,
  path: string,
  body: string | Buffer,
  type = "application/json",
): Promise<void> {
  const answer = await fetch(steppe.addresses.api + path, {
    method: "POST",
    headers: { authorization: `Bearer ${steppe.token}`, "content-type": type },
    body: typeof body === "string" ? body : new Uint8Array(body),
  });
  if (!answer.ok) throw new Error(`POST ${path} was answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

/** Asks for the last site until it answers. */
async function firstAnswer(address: string, sites: number): Promise<void> {
  const end = performance.now() + 60_000;
  while (performance.now() < end) {
    if ((await status(address, `site-${sites - 1}.localhost`)) === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("the last site did not answer within a minute");
}

function status(address: string, host: string): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const asking = request(`${address}/`, { agent: new Agent(), headers: { host } }, (response) => {
    response.resume();
    response.on("end", () => resolve(response.statusCode));
  });
  asking.on("error", () => resolve(undefined)); // nobody listens yet
  asking.end();
  return promise;
}
