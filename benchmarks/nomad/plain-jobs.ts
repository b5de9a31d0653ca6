import { makeJob } from "../../src/engines/nomad/job/make-job.ts";
import { writeJson } from "../../src/shared/json/write-json.ts";
import { asMock } from "./as-mock.ts";
import { manyApp, manyRelease } from "./many-release.ts";
import type { PlainNomad } from "./plain-nomad.ts";
import { until } from "./until.ts";

/** As many connections as Steppe's clients have. */
export const AT_ONCE = 64;
const LIMIT_MS = 30 * 60_000;
/** Looking takes Nomad's time as well. */
const LOOK_MS = 1000;
const SETTINGS = { datacenters: ["dc1"] };

/** Where all of it is asked. */
export interface PlainCluster {
  nomad: PlainNomad;
  /** The address of Fabio's API. */
  fabio: string;
}

/** Registers the same jobs with `auto_promote`. Resolves with the milliseconds until all deployments are successful, and every visitor is sent to what they brought up. */
export async function deployPlain({ nomad, fabio }: PlainCluster, number: number, apps: number): Promise<number> {
  const begin = performance.now();
  await forAll(apps, async (at) => {
    const job = JSON.parse(writeJson(makeJob(manyRelease(at, number), SETTINGS))) as Record<string, unknown>;
    asMock(job);
    for (const { Update } of job["TaskGroups"] as Array<{ Update: Record<string, unknown> }>)
      Update["AutoPromote"] = true;
    await nomad.register(job);
  });
  await untilSuccessful(nomad, apps, number - 1);
  await untilVisited({ nomad, fabio }, apps);
  return performance.now() - begin;
}

/** @param version of the jobs, that is to be the one that runs; the newest if it is undefined */
export async function untilSuccessful(nomad: PlainNomad, apps: number, version?: number): Promise<void> {
  await until(
    "the deployments",
    async () => {
      const deployments = (await nomad.list("/v1/deployments")).filter(isOurs);
      if (version === undefined) return deployments.some(isRunning) ? undefined : true;
      const good = deployments.filter((one) => one["Status"] === "successful" && one["JobVersion"] === version);
      return good.length < apps ? undefined : true;
    },
    { everyMs: LOOK_MS, limitMs: LIMIT_MS },
  );
}

/** Until Fabio sends the visitors of each app to its one instance, and nowhere else. */
async function untilVisited({ nomad, fabio }: PlainCluster, apps: number): Promise<void> {
  const filter = encodeURIComponent('ClientStatus == "running"');
  await until(
    "the visitors",
    async () => {
      const running = (await nomad.list(`/v1/allocations?resources=true&filter=${filter}`)).filter(isOurs);
      const instances = running.map((one) => `${String(one["JobID"])} ${portOf(one)}`);
      const targets = ((await (await fetch(`${fabio}/api/routes`)).json()) ?? []) as Array<Record<string, unknown>>;
      const visited = targets
        .filter(({ service }) => isOurs({ JobID: service }))
        .map(({ service, dst }) => `${String(service)} ${new URL(String(dst)).port}`);
      const isSame = new Set(instances).symmetricDifference(new Set(visited)).size === 0;
      return isSame && instances.length === apps ? true : undefined;
    },
    { everyMs: LOOK_MS, limitMs: LIMIT_MS },
  );
}

function portOf({ AllocatedResources }: Record<string, unknown>): number | undefined {
  const { Shared } = AllocatedResources as { Shared: { Ports: Array<{ Value: number }> } };
  return Shared.Ports[0]?.Value;
}

function isRunning({ Status }: Record<string, unknown>): boolean {
  return Status === "running";
}

/** Takes the jobs away, and whatever is left of them. */
export async function removeAll(nomad: PlainNomad, apps: number): Promise<void> {
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
