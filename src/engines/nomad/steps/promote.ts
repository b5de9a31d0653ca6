import type { ServiceHealth } from "../../../consul/index.ts";
import { type Deployment, type DeploymentGroup, isOver, type JobSpec } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import type { JobInstance, JobView } from "../cluster/job-view.ts";
import { LATER } from "../cluster/job-watch.ts";
import { type JobService, servicesOf } from "../job/services-of.ts";
import type { NomadParts } from "../parts.ts";
import type { AppJob } from "./app-job.ts";
import type { Approvals } from "./approvals.ts";
import { deploymentEnded } from "./deployment-ended.ts";
import { beginHandover } from "./handover.ts";
import { RegistrationWait } from "./registration-wait.ts";
import { areAllFound, isOfAny, readableInstances, unfoundOf } from "./served-instances.ts";

/**
 * Promotes the canaries of a release, once visitors are sent to them. Resolves when its deployment is promoted, by whomever, or has no canaries and all instances are replaced. Throws
 * FABIO_STALE, CHECK_FAILED if Consul does not come to have them, and INSTANCE_FAILED or NOMAD_JOB_CHANGED if the deployment came to another end.
 *
 * @param approvals where the app wants a person to say that its canaries may take over; not given: nobody is waited for
 */
export async function promoteRelease(
  parts: NomadParts,
  release: ReleaseSpec,
  { found: { job }, spec, approvals }: { found: AppJob; spec: JobSpec; approvals?: Approvals },
  context: Omit<EngineContext, "progress">,
): Promise<void> {
  const { signal, awaitsPromotion } = context;
  const { cluster } = parts;
  using watch = cluster.watch(job.id, []);
  using looking = cluster.pace.begin();
  using approval =
    release.definition.run.promote === "manual" ? approvals?.wait(release.app, () => watch.wake()) : undefined;
  const registration = new RegistrationWait(release, parts.clock);
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
    if (isAsked) await parts.standIns.keep(release.app, signal);
    if (isAsked || isPromotedByNomad(deployment) || !hasHealthyCanaries(deployment)) return LATER;
    const services = servicesOf(spec).filter(({ group }) => isUnpromoted(deployment.groups[group]));
    const canaries = await findAll(parts, services, view.wantedOf(job.version), { registration, signal });
    if (canaries === undefined) return looking.later();
    await beginHandover(parts, release, services, canaries, context);
    await promote(parts, deployment, signal);
    isAsked = true;
    return LATER;
  });
}

/** The instances in these services, as Consul has them; undefined while it does not have all of them. Throws CHECK_FAILED if it does not come to have them. */
async function findAll(
  parts: NomadParts,
  services: readonly JobService[],
  instances: readonly JobInstance[],
  { registration, signal }: { registration: RegistrationWait; signal: AbortSignal },
): Promise<ServiceHealth[] | undefined> {
  const names = services.map(({ name }) => name);
  const found = await readableInstances(parts, names, signal);
  registration.look(unfoundOf(services, instances, found), found);
  const ids = instances.map(({ id }) => id);
  return areAllFound(services, instances, found) ? found.filter((one) => isOfAny(one, ids)) : undefined;
}

/** Somebody else may promote it at the same moment, so that it has come to its end: how is seen at the next look. */
async function promote({ nomad }: NomadParts, { id }: Deployment, signal: AbortSignal): Promise<void> {
  try {
    await nomad.deployments.promote(id, { signal });
  } catch (error) {
    if (!(error instanceof SteppeError) || error.code !== "NOMAD_DEPLOYMENT_OVER") throw error;
  }
}

/** A job that was registered with nothing changed that instances notice may have no deployment; until it was looked at, there is nothing to conclude. */
function isPlanned(view: JobView, jobModifyIndex: bigint): boolean {
  return view.evaluationsSince(jobModifyIndex).some(({ status }) => status === "complete");
}

/** Whether there are canaries that do not have all visitors yet. */
export function hasUnpromoted({ groups }: Deployment): boolean {
  return Object.values(groups).some(isUnpromoted);
}

function isUnpromoted(group: DeploymentGroup | undefined): boolean {
  return group !== undefined && group.desiredCanaries > 0 && !group.promoted;
}

/** Of a release that was awaited they are; those of one that is gone back to are not yet. */
function hasHealthyCanaries({ groups }: Deployment): boolean {
  return Object.values(groups).every((group) => !isUnpromoted(group) || group.healthy >= group.desiredCanaries);
}

/** As the jobspec of a user may want it. */
function isPromotedByNomad({ groups }: Deployment): boolean {
  return Object.values(groups).every(({ desiredCanaries, autoPromote }) => desiredCanaries === 0 || autoPromote);
}

/** Without canaries, or with fewer than instances, the rest come one after another. */
function isRolled({ groups }: Deployment): boolean {
  return Object.values(groups).every(({ placed, desiredTotal, healthy }) => Math.min(placed, healthy) >= desiredTotal);
}
