import { type ChildProcess, spawn } from "node:child_process";
import { execPath, stderr } from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { makeJob } from "../../src/engines/nomad/job/make-job.ts";
import { writeJson } from "../../src/shared/json/write-json.ts";
import { memoryOf } from "../lib/processes.ts";
import { type Report, round } from "../lib/report.ts";
import { asMock } from "./as-mock.ts";
import { type AskedOften, CountingProxy } from "./counting-proxy.ts";
import type { Deployed } from "./many-jobs-process.ts";
import { manyApp, manyRelease } from "./many-release.ts";
import type { PlainNomad } from "./plain-nomad.ts";
import { until } from "./until.ts";

const APPS = 1000;
const QUICK_APPS = 100;
/** As many connections as Steppe's clients have. */
const AT_ONCE = 64;
const LIMIT_MS = 30 * 60_000;
const MEMORY_MS = 200;
const SETTINGS = { datacenters: ["dc1"] };
/** The first deployments, and then another release of every app. */
const PHASES = [1, 2];

interface Addresses {
  nomad: string;
  consul: string;
  fabio: string;
}

/** A thousand apps whose instances are Nomad's mock driver's: deployed for the first time, and changed all at once; by Steppe's engine, and by Nomad's API alone. */
export async function measureManyJobs(
  { addresses, nomad }: { addresses: Addresses; nomad: PlainNomad },
  isQuick: boolean,
): Promise<Report[]> {
  const apps = isQuick ? QUICK_APPS : APPS;
  try {
    const steppe = await measureSteppe(addresses, nomad, apps);
    await removeAll(nomad, apps);
    const floors: number[] = [];
    for (const number of PHASES) {
      floors.push(await deployPlain(nomad, number, apps));
      stderr.write(`${apps} jobs, release ${number}: ${round((floors.at(-1) ?? 0) / 1000)} s by Nomad's API\n`);
    }
    return reports(apps, steppe, floors);
  } finally {
    await removeAll(nomad, apps);
  }
}

interface Phase {
  deployed: Deployed;
  mostPss: number;
  asked: Array<AskedOften & { who: string }>;
}

async function measureSteppe(addresses: Addresses, nomad: PlainNomad, apps: number): Promise<Phase[]> {
  await using toNomad = await CountingProxy.open({ upstream: addresses.nomad, rewriteJob: asMock });
  await using toConsul = await CountingProxy.open({ upstream: addresses.consul });
  await using toFabio = await CountingProxy.open({ upstream: addresses.fabio });
  using engine = new EngineProcess({ nomad: toNomad.address, consul: toConsul.address, fabio: toFabio.address });
  const proxies = { Nomad: toNomad, Consul: toConsul, Fabio: toFabio };
  const phases: Phase[] = [];
  await engine.ready();
  for (const number of PHASES) {
    const deployed = await engine.deploy(number, apps);
    stderr.write(`${apps} jobs, release ${number}: by Steppe ${JSON.stringify(deployed)}\n`);
    if (deployed.failed > 0) throw new Error(`${deployed.failed} deployments failed: ${deployed.problems.join("; ")}`);
    const asked = Object.entries(proxies).flatMap(([who, proxy]) => proxy.takeCounts().map((one) => ({ ...one, who })));
    phases.push({ deployed, mostPss: engine.mostPss, asked });
    await untilSuccessful(nomad, apps);
  }
  return phases;
}

function reports(apps: number, phases: readonly Phase[], floors: readonly number[]): Report[] {
  const name = (at: number): string => (at === 0 ? "first" : "changed");
  const rows = phases.map(({ deployed, mostPss }, at) => ({
    deployment: name(at),
    "Nomad alone s": round((floors[at] ?? Number.NaN) / 1000),
    "Steppe s": round(deployed.ms / 1000),
    "CPU s": round(deployed.cpu),
    "most RSS MB": round(deployed.mostResident / 1e6, 0),
    "most Pss MB": round(mostPss / 1e6, 0),
  }));
  const asked = phases.flatMap((phase, at) =>
    phase.asked.map(({ who, kind, requests, mostAtOnce }) => ({
      asked: `${who}: ${kind}`,
      deployment: name(at),
      requests,
      "an app": round(requests / apps, 2),
      "most at once": mostAtOnce,
    })),
  );
  const waiting = phases.flatMap((phase) => phase.asked.filter(({ kind }) => /waiting|stream/.test(kind)));
  const mostWaiting = Math.max(...waiting.map(({ mostAtOnce }) => mostAtOnce));
  return [
    {
      title:
        `${apps} apps whose instances are the mock driver's, deployed at once for the first time, and then each another release: until every visitor is sent to it, and what was before has ended. ` +
        `min_healthy_time 1 s, shutdown_delay 500 ms. Nomad alone: the same jobs with auto_promote, ${AT_ONCE} registrations at a time.`,
      columns: ["deployment", "Nomad alone s", "Steppe s", "CPU s", "most RSS MB", "most Pss MB"],
      rows,
      remarks: phases.flatMap(({ deployed }) => deployed.problems),
      targets: [{ name: "waiting queries of a kind", target: 1, got: mostWaiting, unit: "at once" }],
    },
    {
      title: "What Steppe asked meanwhile.",
      columns: ["asked", "deployment", "requests", "an app", "most at once"],
      rows: asked,
      targets: [],
    },
  ];
}

/** Milliseconds until all deployments are successful, and what was before has ended. */
async function deployPlain(nomad: PlainNomad, number: number, apps: number): Promise<number> {
  const begin = performance.now();
  await forAll(apps, async (at) => {
    const job = JSON.parse(writeJson(makeJob(manyRelease(at, number), SETTINGS))) as Record<string, unknown>;
    asMock(job);
    for (const { Update } of job["TaskGroups"] as Array<{ Update: Record<string, unknown> }>)
      Update["AutoPromote"] = true;
    await nomad.register(job);
  });
  await untilSuccessful(nomad, apps, number - 1);
  return performance.now() - begin;
}

/** @param version of the job, that is to be the one that runs; as it is if it is undefined */
async function untilSuccessful(nomad: PlainNomad, apps: number, version?: number): Promise<void> {
  await until(
    "the deployments",
    async () => {
      const deployments = await nomad.list("/v1/deployments");
      const good = deployments.filter(
        (one) =>
          isOurs(one) && one["Status"] === "successful" && (version === undefined || one["JobVersion"] === version),
      );
      if (version !== undefined && good.length < apps) return undefined;
      const instances = (await nomad.list("/v1/allocations")).filter(isOurs);
      return instances.filter(({ ClientStatus: status }) => status === "running").length === apps ? true : undefined;
    },
    { everyMs: 500, limitMs: LIMIT_MS },
  );
}

async function removeAll(nomad: PlainNomad, apps: number): Promise<void> {
  await forAll(apps, (at) => nomad.remove(manyApp(at)).catch(() => {})); // perhaps it never came to be
  await until(
    "the end of all",
    async () => {
      const instances = (await nomad.list("/v1/allocations")).filter(isOurs);
      const left = instances.filter(({ ClientStatus: status }) => status === "running" || status === "pending");
      return left.length === 0 ? true : undefined;
    },
    { everyMs: 1000, limitMs: LIMIT_MS },
  );
  await nomad.collectGarbage();
}

function isOurs({ JobID: id }: Record<string, unknown>): boolean {
  return typeof id === "string" && id.startsWith(manyApp(0).slice(0, -1));
}

async function forAll(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** The engine in a process of its own. */
class EngineProcess implements Disposable {
  /** Bytes. */
  mostPss = 0;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #timer: NodeJS.Timeout;

  constructor({ nomad, consul, fabio }: Addresses) {
    const file = fileURLToPath(new URL("many-jobs-process.ts", import.meta.url));
    this.#child = spawn(execPath, [file, fabio], {
      env: { NOMAD_ADDR: nomad, CONSUL_HTTP_ADDR: consul },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const { stdout, pid } = this.#child;
    if (stdout === null || pid === undefined) throw new Error("the process of the engine did not start");
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.#timer = setInterval(() => {
      this.mostPss = Math.max(this.mostPss, memoryOf([pid]).pss);
    }, MEMORY_MS);
  }

  async ready(): Promise<void> {
    await this.#line();
  }

  async deploy(number: number, apps: number): Promise<Deployed> {
    this.#child.stdin?.write(`${number} ${apps}\n`);
    return JSON.parse(await this.#line()) as Deployed;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#child.kill();
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the process of the engine ended");
    return value;
  }
}
