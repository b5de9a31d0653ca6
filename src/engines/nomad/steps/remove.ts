import type { Job } from "../../../nomad-api/index.ts";
import { isGone } from "../cluster/job-view.ts";
import { LATER, Later } from "../cluster/job-watch.ts";
import { servicesOf } from "../job/services-of.ts";
import type { NomadParts } from "../parts.ts";
import { instancesOf } from "./served-instances.ts";

const LOOK_MS = 50;

/** Stops a job and has Nomad forget it. Resolves when its instances have ended, and no visitor is sent to them any more. */
export async function removeJob(parts: NomadParts, job: Job, signal: AbortSignal): Promise<void> {
  const names = servicesOf(job.spec).map(({ name }) => name);
  using watch = parts.cluster.watch(job.id, names);
  // Before it is gone, and is asked for in vain.
  await watch.read(signal);
  await parts.nomad.jobs.stop(job.id, { purge: true, signal });
  await watch.until(signal, async (view) => {
    if (view.instances().some((one) => !isGone(one))) return LATER;
    const left = await instancesOf(parts, names, signal);
    const isLeft = view.instances().some(({ id }) => left.some(({ instance }) => instance.id.includes(id)));
    return isLeft ? new Later(LOOK_MS) : true;
  });
  const own = new Set(names);
  await parts.fabio.settled((targets) => {
    const left = targets.find(({ service }) => own.has(service));
    return left === undefined ? undefined : `still has the route ${left.host}${left.path}`;
  }, signal);
}
