import type { JobSpec } from "../../../nomad-api/index.ts";
import { type ErrorCode, SteppeError } from "../../../shared/errors.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { isWanted } from "../cluster/job-view.ts";
import { requireFreeRoutes } from "../fabio/route-conflicts.ts";
import { servicesOf } from "../job/services-of.ts";
import type { NomadParts } from "../parts.ts";
import type { AppJob } from "./app-job.ts";
import { instancesOf } from "./served-instances.ts";

/** Consul may have more that nobody took away; whose that is is not asked without end. */
const MOST_ASKED = 20;
/** What Nomad answers of what a token may not read. */
const HIDDEN: ReadonlySet<ErrorCode> = new Set(["NOMAD_DENIED", "NOMAD_NOT_FOUND"]);
/** In place of the id of a job. */
const UNREADABLE = Symbol("unreadable");

/**
 * Throws DOMAIN_TAKEN if another service of Consul has one of the routes of a job that is to be registered, and NOMAD_JOB_INVALID if another job runs as one of its services: Fabio
 * would send visitors to both.
 *
 * @param before the job as it is: what services it has are its own, whoever else may be there as well
 */
export async function requireFree(
  parts: NomadParts,
  release: ReleaseSpec,
  { spec, before }: { spec: JobSpec; before: AppJob | undefined },
  signal: AbortSignal,
): Promise<void> {
  const services = servicesOf(spec);
  if (services.length === 0) return;
  const { names: known, holders } = await parts.consulRoutes.read(signal);
  const own = new Set(services.map(({ name }) => name));
  for (const service of services) requireFreeRoutes(service, holders, { own, prefix: parts.tagPrefix });
  const had = before === undefined || before.job.isStopped ? [] : servicesOf(before.job.spec).map(({ name }) => name);
  const fresh = [...own.difference(new Set(had))].filter((name) => known.has(name));
  for (const name of fresh) await requireUnshared(parts, release, { job: spec.ID, service: name }, signal);
}

async function requireUnshared(
  parts: NomadParts,
  { app }: ReleaseSpec,
  { job, service }: { job: string; service: string },
  signal: AbortSignal,
): Promise<void> {
  const registered = await instancesOf(parts, [service], signal);
  for (const allocation of registered.flatMap(({ instance }) => allocationOf(instance.id)).slice(0, MOST_ASKED)) {
    const other = await otherJob(parts, allocation, job, signal);
    if (other === undefined) continue;
    const whose = other === UNREADABLE ? "a job that Steppe's token may not read" : `the job ${other}`;
    const which = other === UNREADABLE ? `instance ${allocation} is of it` : `\`nomad job stop ${other}\``;
    throw new SteppeError("NOMAD_JOB_INVALID", {
      operation: "deploy",
      subject: app,
      cause: `${whose} has the service ${service} in Consul, which the job ${job} would have as well: visitors would be sent to both`,
      hint: `Give one of the two services another name, or stop that job first: ${which}.`,
    });
  }
}

/** The other job that an instance is of; undefined if it is of this one, or has visitors no more. */
async function otherJob(
  { nomad }: NomadParts,
  allocation: string,
  job: string,
  signal: AbortSignal,
): Promise<string | typeof UNREADABLE | undefined> {
  try {
    const { value } = await nomad.allocations.read(allocation, { signal });
    return value === undefined || value.jobId === job || !isWanted(value) ? undefined : value.jobId;
  } catch (error) {
    // It is of a namespace that the token says nothing of.
    if (error instanceof SteppeError && HIDDEN.has(error.code)) return UNREADABLE;
    throw error;
  }
}

/** Of what Nomad registered in Consul, whose it is; nothing of what anybody else did. */
function allocationOf(serviceId: string): string[] {
  const [, id] = /^_nomad-task-([0-9a-f-]{36})-/.exec(serviceId) ?? [];
  return id === undefined ? [] : [id];
}
