import type { ServiceHealth } from "../../../consul/index.ts";
import type { AllocationSummary } from "../../../nomad-api/index.ts";
import type { Instance } from "../../engine.ts";
import { isWanted } from "../cluster/job-view.ts";
import { readOwner } from "../job/job-owner.ts";
import { servicesOf } from "../job/services-of.ts";
import type { NomadParts } from "../parts.ts";
import { instancesOf, isServed } from "./served-instances.ts";

/** The instances of an app that are there now. */
export async function listInstances(parts: NomadParts, app: string, jobId: string): Promise<Instance[]> {
  const { nomad, tagPrefix } = parts;
  const [{ value: all }, { value: versions }] = await Promise.all([
    nomad.jobs.allocations(jobId),
    nomad.jobs.versions(jobId),
  ]);
  const releases = new Map(versions.map(({ job }) => [job.version, readOwner(job.meta)]));
  const services = new Set(versions.flatMap(({ job }) => servicesOf(job.spec).map(({ name }) => name)));
  const wanted = all.filter(isWanted);
  const registered = wanted.length === 0 ? [] : await instancesOf(parts, services);
  return wanted.flatMap((allocation) => {
    const owner = releases.get(allocation.jobVersion ?? -1);
    if (owner?.app !== app) return [];
    return [{ app, release: owner.release, routed: isRouted(allocation, registered, tagPrefix) }];
  });
}

function isRouted({ id }: AllocationSummary, registered: readonly ServiceHealth[], tagPrefix: string): boolean {
  return registered.some((one) => one.instance.id.includes(id) && isServed(one, tagPrefix));
}
