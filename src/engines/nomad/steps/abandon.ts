import { isOver, type JobVersion } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { hasEnded } from "../cluster/job-view.ts";
import { LATER } from "../cluster/job-watch.ts";
import { readOwner } from "../job/job-owner.ts";
import { hasRoutes } from "../job/services-of.ts";
import type { NomadParts } from "../parts.ts";
import { type AppJob, deploymentNow, isOf, jobIdOf, readAppJob } from "./app-job.ts";
import { endHandover } from "./handover.ts";
import { removeJob } from "./remove.ts";

/**
 * Takes a placed release away: its deployment is failed, and Nomad goes back to the version before by itself. If there is none, the job goes. What another release has
 * become of the job meanwhile is left as it is.
 */
export async function abandonRelease(parts: NomadParts, release: ReleaseSpec, signal: AbortSignal): Promise<void> {
  await endHandover(parts, release.app, signal);
  const found = await readAppJob(parts, jobIdOf(parts, release.app), signal);
  if (found === undefined || !isOf(found, release)) {
    if (found !== undefined) await untilGone(parts, found, release, signal);
    return;
  }
  const deployment = await deploymentNow(parts, found, signal);
  if (deployment !== undefined && !isOver(deployment)) await failDeployment(parts, deployment.id, signal);
  const now = await readAppJob(parts, found.job.id, signal);
  if (now !== undefined && isOf(now, release)) await goBack(parts, now, signal);
  const after = await readAppJob(parts, found.job.id, signal);
  if (after === undefined) return;
  const { job } = after;
  if (readOwner(job.meta)?.app === release.app)
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

/** Where Nomad did not go back by itself: to the newest version of another release that visitors were sent to, or to no job at all. */
async function goBack(parts: NomadParts, { job, owner }: AppJob, signal: AbortSignal): Promise<void> {
  const { nomad, tagPrefix } = parts;
  const { value: versions } = await nomad.jobs.versions(job.id, { signal });
  const good =
    versions.find((version) => isGood(version) && hasRoutes(version.job.spec, tagPrefix)) ?? versions.find(isGood);
  if (good === undefined) await removeJob(parts, job, signal);
  else await nomad.jobs.revert(job.id, good.job.version, { signal });

  function isGood({ job: { isStable, meta, isStopped } }: JobVersion): boolean {
    return isStable && !isStopped && readOwner(meta)?.release !== owner?.release;
  }
}

/** Until no instance of the release is left. */
async function untilGone(parts: NomadParts, { job }: AppJob, release: ReleaseSpec, signal: AbortSignal): Promise<void> {
  const { nomad, cluster } = parts;
  const { value: versions } = await nomad.jobs.versions(job.id, { signal });
  const bad = new Set(
    versions.filter(({ job: { meta } }) => readOwner(meta)?.release === release.number).map((one) => one.job.version),
  );
  using watch = cluster.watch(job.id, []);
  await watch.until(signal, (view) => {
    const left = view.instances().some((one) => bad.has(view.versionOf(one) ?? -1) && !hasEnded(one));
    return left ? LATER : true;
  });
}
