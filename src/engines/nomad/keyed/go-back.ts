import { SteppeError } from "../../../shared/errors.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import type { KeyedAttempt } from "../../../store/index.ts";
import { awaitHealth, wantedInstances } from "./await-health.ts";
import { startsOf } from "./instance-starts.ts";
import { changeKey, readKey } from "./key-store.ts";
import type { KeyedJob } from "./keyed-job.ts";
import { compatibleOf, type KeyedParts } from "./keyed-parts.ts";

/**
 * Writes what the key held before a deployment, and nothing if somebody else wrote it meanwhile.
 *
 * @returns what became of it, for people, and whether the former tag is there again
 */
export async function writeBack(
  { consul }: KeyedParts,
  { key, tag, former }: KeyedAttempt,
  signal?: AbortSignal,
): Promise<{ said: string; isBack: boolean }> {
  await changeKey(consul, key, (found) => (found === tag ? former : undefined), signal);
  const value = (await readKey(consul, key, signal))?.value ?? null;
  if (value !== former) {
    return { said: `${key} was changed to ${value ?? "nothing"} by somebody else, and is left so`, isBack: false };
  }
  return former === null
    ? { said: `there was no tag before, so ${key} is taken away`, isBack: false }
    : { said: `${key} is ${former} again`, isBack: true };
}

/**
 * Brings back what was there before a deployment that failed, and waits for it to come up again. What is done already is not done again.
 *
 * @returns what became of it, in half a line for people
 */
export async function goBack(
  parts: KeyedParts,
  release: ReleaseSpec,
  job: KeyedJob,
  attempt: KeyedAttempt,
  { signal, progress }: Pick<EngineContext, "signal" | "progress">,
): Promise<string> {
  const { minHealthyMs, healthyDeadlineMs } = compatibleOf(release);
  const isWritten = (await readKey(parts.consul, attempt.key, signal))?.value === attempt.tag;
  const before = await wantedInstances(parts, job.id, signal);
  const { said, isBack } = await writeBack(parts, attempt, signal);
  if (!isBack) return said;
  progress(said);
  await placeAgain(parts, job, signal);
  const outcome = await awaitHealth(parts, {
    job,
    starts: isWritten ? startsOf(before) : undefined,
    untouched: attempt.starts,
    isPatient: true,
    expected: attempt.expected,
    minHealthyMs,
    deadlineMs: healthyDeadlineMs,
    tag: attempt.former ?? "",
    signal,
    progress,
  });
  if (!outcome.isHealthy) return `${said}, but it does not come up: ${outcome.cause}`;
  return `${said}, and healthy`;
}

/** Has Nomad place what failed for good at once, and not when its turn for another try comes, which may be in an hour. */
async function placeAgain({ nomad, log }: KeyedParts, { id }: KeyedJob, signal: AbortSignal): Promise<void> {
  const { value } = await nomad.jobs.allocations(id, { signal });
  if (!value.some(({ desiredStatus, clientStatus }) => desiredStatus === "run" && clientStatus === "failed")) return;
  try {
    await nomad.jobs.evaluate(id, { forceReschedule: true, signal });
  } catch (error) {
    if (!(error instanceof SteppeError) || error.code !== "NOMAD_DENIED") throw error;
    log.warn(
      { err: error, job: id },
      "Steppe may not have failed instances placed again; Nomad does so in its own time",
    );
  }
}
