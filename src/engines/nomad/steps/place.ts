import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { isWanted } from "../cluster/job-view.ts";
import { type JobWatch, LATER } from "../cluster/job-watch.ts";
import { driftError, foreignError } from "../job/job-drift.ts";
import { attemptOf, readOwner } from "../job/job-owner.ts";
import { withoutRoutes } from "../job/services-of.ts";
import { visitedCanaries } from "../job/visited-canaries.ts";
import type { JobSpec } from "../../../nomad-api/index.ts";
import type { NomadParts } from "../parts.ts";
import { type AppJob, isOf, readAppJob } from "./app-job.ts";
import { isUnchanged } from "./is-unchanged.ts";
import { requireFree } from "./require-free.ts";

/**
 * Registers the release's job, unless that is done already: its instances come as canaries beside those that serve. Where there are none, Nomad makes no canaries, so that the
 * job is registered without routes. Resolves when Nomad has decided where they go.
 */
export async function placeRelease(
  parts: NomadParts,
  release: ReleaseSpec,
  { signal, note, isFormer = false }: Pick<EngineContext, "signal" | "note" | "isFormer">,
): Promise<void> {
  signal.throwIfAborted();
  const { maker, nomad, table, tagPrefix } = parts;
  const spec = await (isFormer ? maker.make(release, 0, signal) : maker.makeNew(release, 0, signal));
  const found = placedBefore(parts, release, spec) ?? (await readAppJob(parts, spec.ID, signal));
  await requireSameId(parts, release, spec, signal);
  if (found !== undefined) await requireOwn(parts, release, found, signal);
  const isOwn = found !== undefined && isOf(found, release);
  if (isOwn && !(await isSpent(parts, found, signal))) return;
  await requireFree(parts, release, { spec, before: found }, signal);
  const attempt = isOwn ? attemptOf(found.job.meta) + 1 : 0;
  const again = attempt === 0 ? spec : await maker.make(release, attempt, signal);
  using watch = parts.cluster.watch(spec.ID, []);
  // Asked for before it is registered, so that from here on events tell all.
  const serves = found !== undefined && !found.job.isStopped && (await watch.read(signal)).instances().some(isWanted);
  const ifIndex = found?.job.jobModifyIndex ?? 0n;
  const registered = await nomad.jobs.register(serves ? again : withoutRoutes(again, tagPrefix), { ifIndex, signal });
  table.set({ app: release.app, job: spec.ID, jobModifyIndex: registered.jobModifyIndex });
  const visited = serves ? visitedCanaries(again, tagPrefix) : [];
  if (visited.length > 0)
    note(
      `visitors are sent to canaries of ${visited.join(", ")} before they have proved healthy: give each \`canary_tags\` without routes`,
    );
  await untilPlanned(watch, registered.jobModifyIndex, signal);
}

/** Throws NOMAD_JOB_INVALID if the app runs as another job: both would serve. */
async function requireSameId(
  parts: NomadParts,
  { app }: ReleaseSpec,
  { ID }: JobSpec,
  signal: AbortSignal,
): Promise<void> {
  const known = parts.table.get(app)?.job ?? ID;
  const other = known === ID ? undefined : await readAppJob(parts, known, signal);
  if (other === undefined || other.job.isStopped) return;
  throw new SteppeError("NOMAD_JOB_INVALID", {
    operation: "deploy",
    subject: app,
    cause: `it runs as the job ${known} on Nomad, and would now be the job ${ID} beside it`,
    hint: `Let its jobspec have the id ${known}, or stop that job first: \`nomad job stop ${known}\`.`,
  });
}

/** Throws NOMAD_JOB_CHANGED unless the job is as Steppe registered it, or took it over. What cannot be known any more is taken as it is. */
async function requireOwn(parts: NomadParts, release: ReleaseSpec, found: AppJob, signal: AbortSignal): Promise<void> {
  const { table } = parts;
  const { job, owner } = found;
  const known = table.get(release.app);
  if (known?.jobModifyIndex === job.jobModifyIndex) return;
  const isOurs = owner?.app === release.app;
  if (!isOurs && (owner !== undefined || known?.job !== job.id)) throw foreignError(release.app, job);
  if (isOurs && job.isStopped) return;
  if (!(await isUnchanged(parts, release, found, signal))) throw driftError(release.app, found);
  table.set({ app: release.app, job: job.id, jobModifyIndex: job.jobModifyIndex });
}

/** Whether nothing more will come of the job as it is. */
async function isSpent(parts: NomadParts, { job }: AppJob, signal: AbortSignal): Promise<boolean> {
  if (job.isStopped) return true;
  using watch = parts.cluster.watch(job.id, []);
  const deployment = await watch.until(signal, (view) => ({ now: view.deployment(job.id, job.jobModifyIndex) }));
  return deployment.now?.status === "failed" || deployment.now?.status === "cancelled";
}

/** The job of this very release, if this process placed it, and events told that it still is so. */
function placedBefore({ cluster, table }: NomadParts, release: ReleaseSpec, { ID }: JobSpec): AppJob | undefined {
  const job = cluster.registered(ID, table.get(release.app)?.jobModifyIndex);
  const found = job && { job, owner: readOwner(job.meta) };
  return found !== undefined && isOf(found, release) ? found : undefined;
}

/** Until the scheduler has looked at the registration. */
async function untilPlanned(watch: JobWatch, jobModifyIndex: bigint, signal: AbortSignal): Promise<void> {
  await watch.until(signal, (view) => {
    const evaluations = view.evaluationsSince(jobModifyIndex);
    return evaluations.some(({ status }) => status !== "pending") ? true : LATER;
  });
}
