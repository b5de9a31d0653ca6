import { makeJob } from "../../src/engines/nomad/job/make-job.ts";
import { writeJson } from "../../src/shared/json/write-json.ts";
import { asMock } from "./as-mock.ts";
import { manyApp, manyRelease } from "./many-release.ts";
import type { PlainNomad } from "./plain-nomad.ts";
import { until } from "./until.ts";

/** As many connections as Steppe's clients have. */
export const AT_ONCE = 64;
const LIMIT_MS = 30 * 60_000;
const SETTINGS = { datacenters: ["dc1"] };

/** Registers the same jobs with `auto_promote`. Resolves with the milliseconds until all deployments are successful, and what was before has ended. */
export async function deployPlain(nomad: PlainNomad, number: number, apps: number): Promise<number> {
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

/** @param version of the jobs, that is to be the one that runs; as it is if it is undefined */
export async function untilSuccessful(nomad: PlainNomad, apps: number, version?: number): Promise<void> {
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
