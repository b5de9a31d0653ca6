import type { ServiceHealth } from "../../../consul/index.ts";
import { type Deployment, isOver, type JobSpec } from "../../../nomad-api/index.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import { Later } from "../cluster/job-watch.ts";
import { attemptOf } from "../job/job-owner.ts";
import { hasRoutes, withRoutesOf } from "../job/services-of.ts";
import { withoutVolatile } from "../job/without-volatile.ts";
import type { NomadParts } from "../parts.ts";
import {
  type AppJob,
  currentJob,
  goneError,
  isOf,
  jobIdOf,
  readAppJob,
  replacedError,
  requireCurrent,
} from "./app-job.ts";
import { awaitHealthy } from "./await-healthy.ts";
import type { Approvals } from "./approvals.ts";
import { deploymentEnded } from "./deployment-ended.ts";
import { endHandover } from "./handover.ts";
import { isUnchanged } from "./is-unchanged.ts";
import { placeRelease } from "./place.ts";
import { promoteRelease } from "./promote.ts";
import { RegistrationWait } from "./registration-wait.ts";
import {
  addressOf,
  areAllFound,
  isOfAny,
  isServed,
  readableInstances,
  unfoundOf,
  visitedServices,
} from "./served-instances.ts";
import { settleFabio } from "./settle-fabio.ts";
import { routesLeadOnlyTo } from "./wanted-routes.ts";

/** What has visitors under the name of the app's service, and is no instance of its job, is waited for so long: whoever registered it may never take it away. */
const STRANGERS_MS = 30_000;

/**
 * Has the release's instances take the place of those that serve: by promoting them, or, where there were none to serve, by registering the job with its routes. Resolves
 * when Consul and every instance of Fabio send all visitors to them.
 *
 * A release that is not placed, since the last good one is gone back to, is placed first.
 *
 * @param approvals where the app wants a person to say that its canaries may take over
 */
export async function routeRelease(
  parts: NomadParts,
  release: ReleaseSpec,
  context: EngineContext,
  approvals: Approvals,
): Promise<void> {
  const { signal } = context;
  const found = await placed(parts, release, context);
  const made = await parts.maker.make(release, attemptOf(found.job.meta), signal);
  const isFirst = hasRoutes(made, parts.tagPrefix) && !hasRoutes(found.job.spec, parts.tagPrefix);
  const now = isFirst ? await addRoutes(parts, release, found, made, signal) : found;
  const { spec } = now.job;
  if (!isFirst) await promoteRelease(parts, release, { found, spec, approvals }, context);
  const served = await untilServed(parts, release, now, spec, context);
  await endHandover(parts, release.app, signal);
  const services = visitedServices(spec, parts.tagPrefix);
  const destinations = served.map((one) => ({ service: one.instance.name, address: addressOf(one) }));
  const wanted = routesLeadOnlyTo(services, destinations, parts.tagPrefix);
  await settleFabio(parts, release.app, wanted, served[0]?.instance, context);
}

async function placed(parts: NomadParts, release: ReleaseSpec, context: EngineContext): Promise<AppJob> {
  const { signal } = context;
  const found = await currentJob(parts, release.app, signal);
  if (found !== undefined && !found.job.isStopped && isOf(found, release)) {
    if (!(await isUnchanged(parts, release, found, signal))) throw replacedError(release);
    return found;
  }
  await placeRelease(parts, release, context);
  await awaitHealthy(parts, release, context);
  const now = await readAppJob(parts, jobIdOf(parts, release.app), signal);
  if (now === undefined) throw goneError(release);
  return now;
}

/**
 * Tags alone are changed in place: the instances go on. So it is what was placed that is registered, and not the job made anew, which another version of Steppe may make otherwise. They have
 * proved healthy, so Nomad may go back to this version at once.
 */
async function addRoutes(
  parts: NomadParts,
  release: ReleaseSpec,
  { job }: AppJob,
  made: JobSpec,
  signal: AbortSignal,
): Promise<AppJob> {
  const { nomad, table, tagPrefix } = parts;
  const routed = withRoutesOf(withoutVolatile(job.spec), made, tagPrefix);
  const spec = hasRoutes(routed, tagPrefix) ? routed : made; // its services have other names by now
  const registered = await nomad.jobs.register(spec, { ifIndex: job.jobModifyIndex, signal });
  table.set({ app: release.app, job: job.id, jobModifyIndex: registered.jobModifyIndex });
  const found = await readAppJob(parts, job.id, signal);
  if (found === undefined) throw goneError(release);
  if (found.job.jobModifyIndex !== registered.jobModifyIndex) throw replacedError(release);
  await nomad.jobs.setStable(job.id, found.job.version, true, { signal });
  return found;
}

/**
 * Resolves when Consul has the instances of the job's version with their routes, and no others but those that stay. Throws NOMAD_JOB_CHANGED if somebody takes them away
 * meanwhile, CHECK_FAILED if Consul does not come to have them so.
 */
async function untilServed(
  parts: NomadParts,
  release: ReleaseSpec,
  { job }: AppJob,
  spec: JobSpec,
  { signal, note }: Pick<EngineContext, "signal" | "note">,
): Promise<ServiceHealth[]> {
  const { cluster, standIns, tagPrefix, clock } = parts;
  const services = visitedServices(spec, tagPrefix);
  const names = services.map(({ name }) => name);
  using watch = cluster.watch(job.id, names);
  using looking = cluster.pace.begin();
  const registration = new RegistrationWait(release, clock);
  let wholeSince: number | undefined;
  return await watch.until(signal, async (view) => {
    const deployment = view.deployment(job.id, job.jobModifyIndex);
    if (deployment !== undefined && hasFailed(deployment)) throw deploymentEnded(release, deployment);
    const instances = view.wantedOf(job.version);
    await standIns.keep(release.app, signal);
    if (instances.length === 0) await requireCurrent(parts, release, job, signal);
    const ids = instances.map(({ id }) => id);
    const registered = await readableInstances(parts, names, signal);
    const served = registered.filter((one) => isServed(one, tagPrefix));
    const own = served.filter((one) => isOfAny(one, ids));
    const isWhole = !hasRoutes(spec, tagPrefix) || areAllFound(services, instances, own);
    if (!isWhole) {
      const settled = instances.filter((one) => one.health?.healthy === true || deployment?.status === "successful");
      registration.look(unfoundOf(services, settled, own), registered);
      return looking.later();
    }
    const strangers = served.filter((one) => !own.includes(one));
    wholeSince ??= clock.monotonic();
    const waited = clock.monotonic() - wholeSince;
    if (strangers.length > 0 && waited < STRANGERS_MS) return new Later(Math.max(looking.later().ms, waited / 10));
    if (strangers.length > 0) note(stillThere(strangers));
    return own;
  });
}

/** As when Nomad's client on a node died, and the agent of Consul there did not. */
function stillThere(strangers: readonly ServiceHealth[]): string {
  const [first] = strangers.map((one) => `${one.instance.name} at ${addressOf(one)} (node ${one.instance.node})`);
  const more = strangers.length > 1 ? `, and ${strangers.length - 1} more` : "";
  return `visitors are still sent to ${first}${more}, which is no instance of this release: Consul has it registered as ${strangers[0]?.instance.id}`;
}

function hasFailed(deployment: Deployment): boolean {
  return isOver(deployment) && deployment.status !== "successful";
}
