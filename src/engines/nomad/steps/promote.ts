import { type Deployment, isOver, type JobSpec } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import { isWanted, type JobView } from "../cluster/job-view.ts";
import { LATER } from "../cluster/job-watch.ts";
import { servicesOf } from "../job/services-of.ts";
import type { NomadParts } from "../parts.ts";
import type { AppJob } from "./app-job.ts";
import type { Approvals } from "./approvals.ts";
import { deploymentEnded } from "./deployment-ended.ts";
import { beginHandover } from "./handover.ts";
import { instancesOf, isOfAny } from "./served-instances.ts";

/**
 * Promotes the canaries of a release, once visitors are sent to them. Resolves when its deployment is promoted, by whomever, or has no canaries and all instances are replaced. Throws
 * FABIO_STALE, and INSTANCE_FAILED or NOMAD_JOB_CHANGED if the deployment came to another end.
 */
export async function promoteRelease(
  parts: NomadParts,
  release: ReleaseSpec,
  { found: { job }, spec, approvals }: { found: AppJob; spec: JobSpec; approvals: Approvals },
  context: EngineContext,
): Promise<void> {
  const { signal, awaitsPromotion } = context;
  const { nomad, cluster } = parts;
  using watch = cluster.watch(job.id, []);
  using approval =
    release.definition.run.promote === "manual" ? approvals.wait(release.app, () => watch.wake()) : undefined;
  let isTold = false;
  let isAsked = false;
  const tell = (waits: boolean): void => {
    if (isTold !== waits) awaitsPromotion(waits);
    isTold = waits;
  };
  await watch.until(signal, async (view) => {
    const deployment = view.deployment(job.id, job.jobModifyIndex);
    if (deployment === undefined) return isPlanned(view, job.jobModifyIndex) ? true : LATER;
    if (deployment.status === "successful") return true;
    if (isOver(deployment)) throw deploymentEnded(release, deployment);
    const isWaiting = hasUnpromoted(deployment) && !isPromotedByNomad(deployment) && approval?.isGiven === false;
    tell(isWaiting);
    if (isWaiting) return LATER;
    if (!hasUnpromoted(deployment)) return isRolled(deployment) ? true : LATER;
    if (isPromotedByNomad(deployment)) return LATER;
    if (!isAsked) {
      await handOver(view);
      await promote(deployment.id);
    }
    isAsked = true;
    return LATER;
  });

  /** Somebody else may have done so at the same moment. */
  async function promote(id: string): Promise<void> {
    try {
      await nomad.deployments.promote(id, { signal });
    } catch (error) {
      if (!(error instanceof SteppeError) || error.code !== "NOMAD_DEPLOYMENT_OVER") throw error;
    }
  }

  async function handOver(view: JobView): Promise<void> {
    const ids = view
      .instances()
      .filter((one) => isWanted(one) && view.versionOf(one) === job.version)
      .map(({ id }) => id);
    const services = servicesOf(spec);
    const instances = await instancesOf(
      parts,
      services.map(({ name }) => name),
      signal,
    );
    const canaries = instances.filter((one) => isOfAny(one, ids));
    await beginHandover(parts, release, services, canaries, context);
  }
}

/** A job that was registered with nothing changed that instances notice may have no deployment; until it was looked at, there is nothing to conclude. */
function isPlanned(view: JobView, jobModifyIndex: bigint): boolean {
  return view.evaluationsSince(jobModifyIndex).some(({ status }) => status === "complete");
}

/** Whether there are canaries that do not have all visitors yet. */
function hasUnpromoted({ groups }: Deployment): boolean {
  return Object.values(groups).some(({ desiredCanaries, promoted }) => desiredCanaries > 0 && !promoted);
}

/** As the jobspec of a user may want it. */
function isPromotedByNomad({ groups }: Deployment): boolean {
  return Object.values(groups).every(({ desiredCanaries, autoPromote }) => desiredCanaries === 0 || autoPromote);
}

/** Without canaries, or with fewer than instances, the rest come one after another. */
function isRolled({ groups }: Deployment): boolean {
  return Object.values(groups).every(({ placed, desiredTotal, healthy }) => Math.min(placed, healthy) >= desiredTotal);
}
