import { env } from "node:process";
import { ClusterHarness } from "../test/support/cluster/cluster-harness.ts";
import { missingVariables } from "../test/support/cluster/cluster-environment.ts";
import type { BenchmarkOptions, Report } from "./lib/report.ts";
import { measureFailingCanaries } from "./nomad/failing-canaries.ts";
import { measureManyJobs } from "./nomad/many-jobs.ts";
import { PlainNomad } from "./nomad/plain-nomad.ts";
import { measureServingTimes } from "./nomad/serving-times.ts";

/** What Steppe takes on a real cluster, which the environment names, beside Nomad alone. */
export async function run({ rounds, only, isQuick }: BenchmarkOptions): Promise<Report[]> {
  const missing = missingVariables(env);
  if (missing.length > 0) throw new Error(`it needs a cluster, see docs/benchmarks.md: ${missing.join(", ")} not set`);
  const wants = (part: string): boolean => only.size === 0 || only.has(part);
  const reports: Report[] = [];
  await using harness = await ClusterHarness.open("bench-nomad");
  const { nomad: address } = harness.cluster.addresses;
  const nomad = new PlainNomad(address);
  if (wants("serving")) reports.push(await measureServingTimes({ harness, nomad }, rounds));
  if (wants("canary")) reports.push(await measureFailingCanaries({ harness, nomad }, rounds));
  if (wants("jobs")) reports.push(...(await measureManyJobs({ harness, nomad }, isQuick)));
  return reports;
}
