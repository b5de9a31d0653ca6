import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import type { KeyedAttempt } from "../../../store/index.ts";
import type { InstanceFailure } from "../failure/instance-failure.ts";
import { awaitHealth, wantedInstances } from "./await-health.ts";
import { goBack } from "./go-back.ts";
import { expectedOf } from "./health-judge.ts";
import { startsOf } from "./instance-starts.ts";
import { readKey, replaceKey } from "./key-store.ts";
import { keyedFailed } from "./keyed-failed.ts";
import type { KeyedJob } from "./keyed-job.ts";
import { compatibleOf, type KeyedParts } from "./keyed-parts.ts";
import { findJob } from "./place.ts";
import { whileAway } from "./while-away.ts";

/** What is done at any moment is in the table before, so that after a crash it is gone on with, and not done again. */
interface Step {
  parts: KeyedParts;
  release: ReleaseSpec;
  job: KeyedJob;
  context: EngineContext;
}

/**
 * Writes a release's tag into its key, and watches its job until all instances came up with it. If one does not, what the key held before is written back and watched as well, and it
 * throws CHECK_FAILED or INSTANCE_FAILED with what both came to.
 *
 * Of a release that is not the one that was placed last nothing is done: the deployer routes what was live before when a deployment failed, and that has taken back by itself what it
 * did, and no more.
 */
export async function routeKeyed(parts: KeyedParts, release: ReleaseSpec, context: EngineContext): Promise<void> {
  const { table, consul } = parts;
  const attempt = table.get(release.app)?.attempt ?? null;
  if (attempt?.release !== release.number) return;
  const { stage, failure, key, tag } = attempt;
  if (stage === "undone" && failure !== null) throw keyedFailed(release.app, tag, failure);
  const step = { parts, release, context, job: await findJob(parts, release, context.signal) };
  if (failure !== null) throw await takeBack(step, attempt, failure);
  const found = (await readKey(consul, key, context.signal))?.value ?? null;
  if (found === tag && stage === "placed") await look(step, attempt);
  else await watch(step, found === tag ? attempt : await write(step, attempt, found));
}

/** The key has the tag already: nothing will be restarted, and what runs is to be well. */
async function look(step: Step, attempt: KeyedAttempt): Promise<void> {
  const { parts, job, context } = step;
  const expected = expectedOf(job, await wantedInstances(parts, job.id, context.signal));
  const outcome = await awaitHealth(parts, { ...waitOf(step, attempt), starts: undefined, expected });
  if (!outcome.isHealthy) throw giveUp(step, attempt, outcome);
  finish(step, attempt, outcome.instances);
}

/** Remembers what there is, and then writes the tag over that and nothing else: what somebody wrote meanwhile, who deploys by the same key, is theirs. */
async function write(step: Step, placed: KeyedAttempt, found: string | null): Promise<KeyedAttempt> {
  const { parts, job, context } = step;
  const { key, tag, left, stage, former } = placed;
  // Of a process that died: whether it had written already is not known.
  if (stage === "written" && found !== former && found !== left?.tag) throw overtaken(step, placed, found);
  const before = await wantedInstances(parts, job.id, context.signal);
  const attempt: KeyedAttempt = {
    ...placed,
    stage: "written",
    former: left !== null && left.tag === found ? left.former : found,
    starts: startsOf(before),
    expected: expectedOf(job, before),
  };
  remember(step, attempt);
  context.progress(`${key}: ${found ?? "none"} → ${tag}`);
  const there = await replaceKey(parts.consul, key, { from: found, to: tag }, context.signal);
  if (there !== tag) throw overtaken(step, attempt, there);
  return attempt;
}

async function watch(step: Step, attempt: KeyedAttempt): Promise<void> {
  const { parts, context } = step;
  const { starts, expected, key, tag } = attempt;
  const patiently = <Result>(work: () => Promise<Result>): Promise<Result> => whileAway(parts, context.signal, work);
  const outcome = await patiently(() => awaitHealth(parts, { ...waitOf(step, attempt), starts, expected }));
  if (!outcome.isHealthy) throw await takeBack(step, attempt, outcome);
  const found = (await patiently(() => readKey(parts.consul, key, context.signal)))?.value ?? null;
  if (found !== tag) throw overtaken(step, attempt, found);
  finish(step, attempt, outcome.instances);
}

/** Ends a deployment whose key somebody else wrote since: it is theirs, and left as it is. */
function overtaken(step: Step, attempt: KeyedAttempt, found: string | null): Error {
  const cause = `${attempt.key} was changed to ${found ?? "nothing"} by somebody else meanwhile`;
  const hint =
    "Nothing was taken back. See who else writes the key (an old deployer that still runs?), then deploy again.";
  return giveUp(step, attempt, { code: "INSTANCE_FAILED", cause, hint });
}

/** Takes back what the deployment did; gives what to throw for it. */
async function takeBack(step: Step, attempt: KeyedAttempt, { code, cause, hint }: InstanceFailure): Promise<Error> {
  const { parts, release, job, context } = step;
  const failure = { code, cause, ...(hint === undefined ? {} : { hint }) };
  const failed = { ...attempt, failure };
  remember(step, failed);
  const said = await whileAway(parts, context.signal, () => goBack(parts, release, job, failed, context));
  return giveUp(step, attempt, { ...failure, cause: `${cause}; ${said}` });
}

/** Ends a deployment of which nothing is left to take back; gives what to throw for it. */
function giveUp(step: Step, attempt: KeyedAttempt, { code, cause, hint }: InstanceFailure): Error {
  const failure = { code, cause, ...(hint === undefined ? {} : { hint }) };
  remember(step, { ...attempt, stage: "undone", failure });
  return keyedFailed(step.release.app, attempt.tag, failure);
}

function finish({ parts, release, job, context }: Step, { key, tag }: KeyedAttempt, instances: number): void {
  if (instances === 0) context.note(`the job ${job.id} has no instances: nothing runs ${tag}`);
  parts.table.set(release.app, { live: { release: release.number, image: release.image, key, tag }, attempt: null });
}

function remember({ parts, release }: Step, attempt: KeyedAttempt): void {
  const live = parts.table.get(release.app)?.live ?? null;
  parts.table.set(release.app, { live, attempt });
}

function waitOf({ release, job, context }: Step, { tag }: KeyedAttempt) {
  const { minHealthyMs, healthyDeadlineMs } = compatibleOf(release);
  const { signal, progress } = context;
  return { job, minHealthyMs, deadlineMs: healthyDeadlineMs, tag, signal, progress };
}
