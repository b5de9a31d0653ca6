import { isOver, type JobVersion } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { isGone, isWanted, type JobView } from "../cluster/job-view.ts";
import { LATER } from "../cluster/job-watch.ts";
import { readOwner } from "../job/job-owner.ts";
import { hasRoutes } from "../job/services-of.ts";
import type { NomadParts } from "../parts.ts";
import { type AppJob, deploymentNow, isOf, jobIdOf, readAppJob } from "./app-job.ts";
import { endHandover } from "./handover.ts";
import { isUnchanged } from "./is-unchanged.ts";
import { hasUnpromoted, promoteRelease } from "./promote.ts";
import { removeJob } from "./remove.ts";

/**
 * Takes a placed release away: its deployment is failed, and Nomad goes back to the version before by itself. If there is none, the job goes. What another release, or somebody else,
 * has made of the job meanwhile is left as it is.
 */
export async function abandonRelease(parts: NomadParts, release: ReleaseSpec, signal: AbortSignal): Promise<void> {
  await endHandover(parts, release.app, signal);
  const found = await readAppJob(parts, jobIdOf(parts, release.app), signal);
  if (found === undefined || !isOf(found, release)) {
    if (found !== undefined && (await isUnchanged(parts, release, found, signal)))
      await untilGone(parts, found, release, signal);
    return;
  }
  if (!(await isUnchanged(parts, release, found, signal))) return;
  const deployment = await deploymentNow(parts, found, signal);
  if (deployment !== undefined && !isOver(deployment)) await failDeployment(parts, deployment.id, signal);
  const now = await readAppJob(parts, found.job.id, signal);
  if (now !== undefined && isOf(now, release)) await goBack(parts, release.app, now, signal);
  const after = await readAppJob(parts, found.job.id, signal);
  if (after === undefined || !(await isUnchanged(parts, release, after, signal))) return;
  const { job } = after;
  parts.table.set({ app: release.app, job: job.id, jobModifyIndex: job.jobModifyIndex });
  await untilGone(parts, after, release, signal);
}

/** It may end by itself at the same moment. */
async function failDeployment({ nomad }: NomadParts, id: string, signal: AbortSignal): Promise<void> {
  try {
    await nomad.deployments.fail(id, { signal });
  } catch (error) {
    if (error instanceof SteppeError && error.code === "NOMAD_DEPLOYMENT_OVER") return;
    throw error;
  }
}

/** Where Nomad did not go back by itself: to the newest version of another release that visitors were sent to, or one that still runs, or to no job at all. */
async function goBack(parts: NomadParts, app: string, { job, owner }: AppJob, signal: AbortSignal): Promise<void> {
  const { nomad, tagPrefix } = parts;
  const { value: versions } = await nomad.jobs.versions(job.id, { signal });
  const { value: instances } = await nomad.jobs.allocations(job.id, { signal });
  const running = new Set(instances.filter(isWanted).map(({ jobVersion }) => jobVersion));
  const others = versions.filter(isOther);
  const good = others.filter((version) => version.job.isStable);
  const back =
    good.find((version) => hasRoutes(version.job.spec, tagPrefix)) ??
    good[0] ??
    others.find((version) => running.has(version.job.version));
  if (back === undefined) return await removeJob(parts, job, signal);
  const { jobModifyIndex } = await nomad.jobs.revert(job.id, back.job.version, { ifVersion: job.version, signal });
  parts.table.set({ app, job: job.id, jobModifyIndex });

  function isOther({ job: { meta, isStopped } }: JobVersion): boolean {
    return !isStopped && readOwner(meta)?.release !== owner?.release;
  }
}

/** Until no instance of the release is left. If it served already, what is gone back to comes as canaries, which have to take over from it. */
async function untilGone(parts: NomadParts, found: AppJob, release: ReleaseSpec, signal: AbortSignal): Promise<void> {
  const { nomad, cluster, log } = parts;
  const { job, owner } = found;
  const { value: versions } = await nomad.jobs.versions(job.id, { signal });
  const bad = new Set(
    versions.filter(({ job: { meta } }) => readOwner(meta)?.release === release.number).map((one) => one.job.version),
  );
  const isLeft = (view: JobView): boolean =>
    view.instances().some((one) => bad.has(view.versionOf(one) ?? -1) && !isGone(one));
  using watch = cluster.watch(job.id, []);
  await watch.read(signal); // whose canaries came to be only now, events may not have told yet
  const outcome = await watch.until(signal, (view) => {
    if (!isLeft(view)) return "gone";
    const deployment = view.deployment(job.id, job.jobModifyIndex);
    return deployment !== undefined && !isOver(deployment) && hasUnpromoted(deployment) ? "canaries" : LATER;
  });
  if (outcome === "gone") return;
  const before = { ...release, number: owner?.release ?? release.number };
  const context = { signal, note: (message: string) => log.warn({ app: release.app }, message), awaitsPromotion() {} };
  await promoteRelease(parts, before, { found, spec: job.spec }, context);
  await watch.until(signal, (view) => (isLeft(view) ? LATER : "gone"));
  await endHandover(parts, release.app, signal);
}
