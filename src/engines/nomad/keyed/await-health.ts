import { oneLine } from "../../../shared/one-line.ts";
import { isWanted, type JobInstance } from "../cluster/job-view.ts";
import { Later } from "../cluster/job-watch.ts";
import type { InstanceFailure } from "../failure/instance-failure.ts";
import { readableInstances } from "../steps/served-instances.ts";
import { HealthJudge, type JudgeOptions } from "./health-judge.ts";
import type { KeyedParts } from "./keyed-parts.ts";

export interface HealthWait extends JudgeOptions {
  /** How long it may take, milliseconds. */
  deadlineMs: number;
  /** What they are waited for to run, for people: a tag. */
  tag: string;
  signal: AbortSignal;
  progress(message: string): void;
}

/** What came of waiting. */
export type HealthOutcome = { isHealthy: true; instances: number } | ({ isHealthy: false } & InstanceFailure);

/** One that does not pass its check yet is asked so often. */
const UNWELL_MS = 250;

/** Waits until the instances of a job came up, or one of them did not, or it takes too long. Rejects with what Nomad and Consul refuse, and the reason of the signal. */
export async function awaitHealth(parts: KeyedParts, wait: HealthWait): Promise<HealthOutcome> {
  const { cluster, clock } = parts;
  const { job, expected, signal, tag, deadlineMs } = wait;
  const services = [...new Set([...job.groups.values()].flatMap((group) => group.services))];
  const judge = new HealthJudge(wait);
  const end = clock.monotonic() + deadlineMs;
  let told = 0;
  using watch = cluster.watch(job.id, services);
  using probe = parts.probe(job.spec);
  return await watch.until<HealthOutcome>(signal, async (view) => {
    const instances = view.instances();
    const health = await readableInstances(parts, services, signal);
    const unwell = judge.unwell({ instances, health });
    const answers = await probe.wrongAnswers(unwell, signal);
    const now = clock.monotonic();
    const verdict = judge.judge({ instances, health, answers, now });
    if (verdict.kind === "healthy") return { isHealthy: true, instances: verdict.instances };
    if (verdict.kind === "failed") return { isHealthy: false, ...verdict };
    const { renewed, why, againMs } = verdict;
    if (now >= end) {
      return { isHealthy: false, code: "CHECK_FAILED", cause: oneLine(`${why}, after ${deadlineMs / 1000} s`) };
    }
    if (renewed > told) wait.progress(`${renewed} of ${expected} instances run ${tag}`);
    told = Math.max(told, renewed);
    return new Later(Math.min(againMs, unwell.length > 0 ? UNWELL_MS : Infinity, end - now));
  });
}

/** The instances of a job that Nomad wants to run, also those that failed. */
export async function wantedInstances(
  { nomad }: KeyedParts,
  job: string,
  signal?: AbortSignal,
): Promise<JobInstance[]> {
  const { value } = await nomad.jobs.allocations(job, { signal });
  return value.filter((instance) => isWanted(instance) || instance.desiredStatus === "run");
}
