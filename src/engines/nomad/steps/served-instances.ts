import type { ServiceHealth } from "../../../consul/index.ts";
import type { JobSpec } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { isRouteTag } from "../fabio/read-route-tag.ts";
import { isStandIn } from "./stand-in.ts";
import { type JobService, servicesOf } from "../job/services-of.ts";
import type { JobInstance } from "../cluster/job-view.ts";
import type { NomadParts } from "../parts.ts";

/** The instances of services that Consul has; what stands in for some of them aside. */
export async function instancesOf(
  { consul }: Pick<NomadParts, "consul">,
  services: Iterable<string>,
  signal?: AbortSignal,
): Promise<ServiceHealth[]> {
  const found = await healthOf(consul, services, signal);
  return found.flatMap(({ instances }) => instances);
}

/** The same, for whoever waits for them. Throws CONSUL_DENIED if the token may not read all of them: what is hidden would be waited for in vain. */
export async function readableInstances(
  { consul }: Pick<NomadParts, "consul">,
  services: Iterable<string>,
  signal?: AbortSignal,
): Promise<ServiceHealth[]> {
  const found = await healthOf(consul, services, signal);
  const hidden = found.find(({ isFiltered }) => isFiltered);
  if (hidden !== undefined) throw hiddenFromUs(hidden.name);
  return found.flatMap(({ instances }) => instances);
}

async function healthOf(consul: NomadParts["consul"], services: Iterable<string>, signal: AbortSignal | undefined) {
  return await Promise.all(
    [...new Set(services)].map(async (name) => {
      const { value, isFiltered } = await consul.health.service(name, { signal });
      return { name, instances: value.filter((one) => !isStandIn(one)), isFiltered };
    }),
  );
}

function hiddenFromUs(service: string): SteppeError {
  return new SteppeError("CONSUL_DENIED", {
    operation: "look up the health of",
    subject: service,
    cause: "Consul has instances of it that the token may not read",
    hint: 'The policy of CONSUL_HTTP_TOKEN wants `service_prefix "" { policy = "write" }` and `node_prefix "" { policy = "read" }`; `steppe cluster doctor` says which it lacks.',
  });
}

/** The services of a release's job that visitors are sent to; all of them if they are sent to none. Those of groups without instances aside. */
export function visitedServices(spec: JobSpec, tagPrefix: string): JobService[] {
  const idle = new Set((spec.TaskGroups ?? []).flatMap(({ Name, Count }) => (Count === 0 ? [Name] : [])));
  const services = servicesOf(spec).filter(({ group }) => !idle.has(group));
  const visited = services.filter(({ tags }) => tags.some((tag) => isRouteTag(tag, tagPrefix)));
  return visited.length === 0 ? services : visited;
}

/** Whether Consul has each of these instances in every service of its group; each service has one at least. */
export function areAllFound(
  services: readonly JobService[],
  instances: readonly JobInstance[],
  found: readonly ServiceHealth[],
): boolean {
  const haveInstances = services.every(({ group }) => instances.some((one) => one.group === group));
  return haveInstances && unfoundOf(services, instances, found).length === 0;
}

/** An instance that is not found in a service of its group. */
export interface Unfound {
  instance: JobInstance;
  service: string;
}

/** Which of these instances are not found in which services. */
export function unfoundOf(
  services: readonly JobService[],
  instances: readonly JobInstance[],
  found: readonly ServiceHealth[],
): Unfound[] {
  return services.flatMap(({ name, group }) => {
    const ofService = found.filter(({ instance }) => instance.name === name);
    const missing = instances.filter(
      (one) => one.group === group && !ofService.some((other) => isOfAny(other, [one.id])),
    );
    return missing.map((instance) => ({ instance, service: name }));
  });
}

/** Whether an instance of a service is that of one of these allocations: Nomad names it so. */
export function isOfAny({ instance }: ServiceHealth, allocations: readonly string[]): boolean {
  return allocations.some((id) => instance.id.includes(id));
}

/** Whether visitors are sent to it: by its tags, and since it is well. */
export function isServed(one: ServiceHealth, tagPrefix: string): boolean {
  return isWell(one) && one.instance.tags.some((tag) => isRouteTag(tag, tagPrefix));
}

/** Whether its checks pass, as Fabio takes it. */
export function isWell({ status }: Pick<ServiceHealth, "status">): boolean {
  return status === "passing" || status === "warning";
}

export function addressOf({ instance: { address, port } }: ServiceHealth): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}
