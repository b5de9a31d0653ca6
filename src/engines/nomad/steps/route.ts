import { type Deployment, isOver, type JobSpec } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import { isWanted, type JobView } from "../cluster/job-view.ts";
import { LATER, Later } from "../cluster/job-watch.ts";
import { routesOf } from "../fabio/check-tags.ts";
import { routeKey } from "../fabio/route.ts";
import type { Wanted } from "../fabio/fabio-views.ts";
import { attemptOf } from "../job/job-owner.ts";
import { hasRoutes, servicesOf } from "../job/services-of.ts";
import type { NomadParts } from "../parts.ts";
import { type AppJob, isOf, jobIdOf, readAppJob } from "./app-job.ts";
import { awaitHealthy } from "./await-healthy.ts";
import { placeRelease } from "./place.ts";
import { addressOf, instancesOf, isOfAny, isServed, visitedServices } from "./served-instances.ts";

/** Consul has what changed some 50 ms after Nomad. */
const LOOK_MS = 50;

/**
 * Has the release's instances take the place of those that serve: by Nomad's promotion, or, where there were none to serve, by registering the job with its routes. Resolves
 * when Consul and every instance of Fabio send all visitors to them.
 *
 * A release that is not placed, since the last good one is gone back to, is placed first.
 */
export async function routeRelease(parts: NomadParts, release: ReleaseSpec, context: EngineContext): Promise<void> {
  const { signal } = context;
  let found = await readAppJob(parts, jobIdOf(parts, release.app), signal);
  if (found === undefined || found.job.isStopped || !isOf(found, release)) {
    await placeRelease(parts, release, context);
    await awaitHealthy(parts, release, context);
    found = await readAppJob(parts, jobIdOf(parts, release.app), signal);
    if (found === undefined) throw gone(release);
  }
  const spec = await parts.maker.make(release, attemptOf(found.job.meta), signal);
  if (hasRoutes(spec, parts.tagPrefix) && !hasRoutes(found.job.spec, parts.tagPrefix)) {
    found = await addRoutes(parts, release, found, spec, signal);
  } else {
    await promoted(parts, release, found, context);
  }
  const expected = await untilServed(parts, found, spec, signal);
  for (const line of await parts.fabio.settled(expected, signal)) context.note(line);
}

/** Tags alone are changed in place: the instances go on. They have proved healthy, so Nomad may go back to this version at once. */
async function addRoutes(
  parts: NomadParts,
  release: ReleaseSpec,
  { job }: AppJob,
  spec: JobSpec,
  signal: AbortSignal,
): Promise<AppJob> {
  const { nomad, table } = parts;
  const registered = await nomad.jobs.register(spec, { ifIndex: job.jobModifyIndex, signal });
  table.set({ app: release.app, job: job.id, jobModifyIndex: registered.jobModifyIndex });
  const found = await readAppJob(parts, job.id, signal);
  if (found === undefined) throw gone(release);
  await nomad.jobs.setStable(job.id, found.job.version, true, { signal });
  return found;
}

/** Until the job's deployment is promoted, or has no canaries. Throws INSTANCE_FAILED, NOMAD_JOB_CHANGED if it came to another end. */
async function promoted(
  parts: NomadParts,
  release: ReleaseSpec,
  { job }: AppJob,
  { signal, note }: EngineContext,
): Promise<void> {
  const { nomad, cluster } = parts;
  const isManual = release.definition.run.promote === "manual";
  using watch = cluster.watch(job.id, []);
  let isAsked = false;
  await watch.until(signal, async (view) => {
    const deployment = view.deployment(job.id, job.jobModifyIndex);
    if (deployment === undefined || deployment.status === "successful") return isKnown(view, job.jobModifyIndex);
    if (isOver(deployment)) throw ended(release, deployment);
    if (!hasUnpromoted(deployment)) return isRolled(deployment) ? true : LATER;
    if (isAsked || isPromotedByNomad(deployment)) return LATER;
    isAsked = true;
    if (isManual) note(`its canaries are healthy: \`steppe promote ${release.app}\` has them take over`);
    else await nomad.deployments.promote(deployment.id, { signal });
    return LATER;
  });
}

/** A job that was registered with nothing but its tags changed has a deployment as well; until it is told of, there is nothing to conclude. */
function isKnown(view: JobView, jobModifyIndex: bigint): true | Later {
  const evaluations = view.evaluationsSince(jobModifyIndex);
  return evaluations.some(({ status }) => status === "complete") ? true : LATER;
}

/** Whether there are canaries that do not have all visitors yet. */
function hasUnpromoted({ groups }: Deployment): boolean {
  return Object.values(groups).some(({ desiredCanaries, promoted }) => desiredCanaries > 0 && !promoted);
}

function isPromotedByNomad({ groups }: Deployment): boolean {
  return Object.values(groups).every(({ desiredCanaries, autoPromote }) => desiredCanaries === 0 || autoPromote);
}

/** Without canaries, or with fewer than instances, the rest come one after another. */
function isRolled({ groups }: Deployment): boolean {
  return Object.values(groups).every(({ placed, desiredTotal, healthy }) => Math.min(placed, healthy) >= desiredTotal);
}

/** Resolves when Consul has the instances with their routes and no others; with what Fabio is to have then. */
async function untilServed(parts: NomadParts, { job }: AppJob, spec: JobSpec, signal: AbortSignal): Promise<Wanted> {
  const { cluster, tagPrefix } = parts;
  const names = visitedServices(spec, tagPrefix);
  const wanted = servicesOf(spec).filter(({ name }) => names.includes(name));
  using watch = cluster.watch(job.id, names);
  return await watch.until(signal, async (view) => {
    const ids = view.instances().filter((one) => isWanted(one) && view.versionOf(one) === job.version);
    const instances = await instancesOf(parts, names, signal);
    const served = instances.filter((one) => isServed(one, tagPrefix));
    const own = served.filter((one) =>
      isOfAny(
        one,
        ids.map(({ id }) => id),
      ),
    );
    const isWhole = hasRoutes(spec, tagPrefix) ? own.length >= ids.length && ids.length > 0 : true;
    if (!isWhole || own.length !== served.length) return new Later(LOOK_MS);
    return wantedOfFabio(
      wanted,
      own.map((one) => ({ service: one.instance.name, address: addressOf(one) })),
      tagPrefix,
    );
  });
}

/** Every route of the services leads to these instances, and to no others. */
function wantedOfFabio(
  services: ReadonlyArray<{ name: string; tags: readonly string[] }>,
  instances: ReadonlyArray<{ service: string; address: string }>,
  tagPrefix: string,
): Wanted {
  const names = new Set(services.map(({ name }) => name));
  return (targets) => {
    const routes = services.flatMap(({ name, tags }) =>
      routesOf(tags, tagPrefix).map((route) => ({ name, key: routeKey(route) })),
    );
    const found = targets.filter(({ service }) => names.has(service));
    for (const { name, key } of routes) {
      const wanted = new Set(instances.filter(({ service }) => service === name).map(({ address }) => address));
      const there = new Set(
        found
          .filter((target) => target.service === name && routeKey({ ...target, port: undefined }) === key)
          .map(({ address }) => address),
      );
      if (wanted.symmetricDifference(there).size > 0) return `does not send all visitors of ${key} to the release yet`;
    }
    const keys = new Set(routes.map(({ key }) => key));
    const left = found.find((target) => !keys.has(routeKey({ ...target, port: undefined })));
    return left === undefined ? undefined : `still has the route ${left.host}${left.path}`;
  };
}

function ended({ app, number }: ReleaseSpec, { status, statusDescription }: Deployment): SteppeError {
  const cause =
    status === "cancelled"
      ? "somebody registered another version of the job meanwhile"
      : `Nomad gave the deployment up: ${statusDescription}`;
  const code = status === "cancelled" ? "NOMAD_JOB_CHANGED" : "INSTANCE_FAILED";
  return new SteppeError(code, { operation: "route", subject: `${app}, release ${number}`, cause });
}

function gone({ app, number }: ReleaseSpec): SteppeError {
  return new SteppeError("NOMAD_JOB_CHANGED", {
    operation: "route",
    subject: `${app}, release ${number}`,
    cause: "somebody removed the job meanwhile",
    hint: "Deploy again: that makes it anew.",
  });
}
