import type { JobSpec, ServiceSpec } from "../../../nomad-api/index.ts";
import { isRouteTag } from "../fabio/read-route-tag.ts";

/** A service of a job. */
export interface JobService {
  /** Its name in Consul. */
  name: string;
  /** The group whose instances have it. */
  group: string;
  tags: string[];
  canaryTags: string[];
}

/** The services of a job that Consul has, those of its groups and of their tasks. */
export function servicesOf(job: JobSpec): JobService[] {
  const services: JobService[] = [];
  for (const group of job.TaskGroups ?? []) {
    const add = (service: ServiceSpec, task?: string): void => {
      if ((service.Provider ?? "consul") !== "consul") return;
      const name = nameOf(service, nameOfJob(job), group.Name, task);
      const [tags, canaryTags] = [[...(service.Tags ?? [])], [...(service.CanaryTags ?? [])]];
      services.push({ name, group: group.Name, tags, canaryTags });
    };
    for (const service of group.Services ?? []) add(service);
    for (const task of group.Tasks ?? []) for (const service of task.Services ?? []) add(service, task.Name);
  }
  return services;
}

/** Whether visitors are sent to a job. */
export function hasRoutes(job: JobSpec, prefix: string): boolean {
  return servicesOf(job).some(({ tags }) => tags.some((tag) => isRouteTag(tag, prefix)));
}

/** The job with the tags of its routes left out; it is not changed in place. */
export function withoutRoutes(job: JobSpec, prefix: string): JobSpec {
  const only = <Part extends Serving>(part: Part): Part => {
    if (part.Services === null || part.Services === undefined) return part;
    const services = part.Services.map((service) => ({
      ...service,
      Tags: (service.Tags ?? []).filter((tag) => !isRouteTag(tag, prefix)),
    }));
    return { ...part, Services: services };
  };
  const groups = (job.TaskGroups ?? []).map((group) => ({
    ...only(group),
    Tasks: group.Tasks?.map(only) ?? null,
  }));
  return { ...job, TaskGroups: groups };
}

/**
 * A job as it is registered, with the tags of routes that its services have when it is made anew: nothing else of it changes, whatever else would be made otherwise by now. It is not
 * changed in place.
 */
export function withRoutesOf(registered: JobSpec, made: JobSpec, prefix: string): JobSpec {
  const groups = (registered.TaskGroups ?? []).map((group) => {
    const other = made.TaskGroups?.find(({ Name }) => Name === group.Name);
    const name = (service: ServiceSpec, task?: string): string =>
      nameOf(service, nameOfJob(registered), group.Name, task);
    const routed = <Part extends Serving>(part: Part, otherPart: Serving | undefined, task?: string): Part => {
      const services = part.Services?.map((service, at) => {
        const same = otherPart?.Services?.[at];
        const isSame = same !== undefined && name(same, task) === name(service, task);
        const routes = isSame ? (same.Tags ?? []).filter((tag) => isRouteTag(tag, prefix)) : [];
        return { ...service, Tags: [...routes, ...(service.Tags ?? [])] };
      });
      return services === undefined ? part : { ...part, Services: services };
    };
    const tasks = group.Tasks?.map((task) => {
      const otherTask = other?.Tasks?.find(({ Name }) => Name === task.Name);
      return routed(task, otherTask, task.Name);
    });
    return { ...routed(group, other), Tasks: tasks ?? null };
  });
  return { ...registered, TaskGroups: groups };
}

/** A group or a task. */
interface Serving {
  Services?: ServiceSpec[] | null | undefined;
}

/** A job that gives itself none is called by its id. */
function nameOfJob({ ID, Name }: JobSpec): string {
  return Name === undefined || Name === null || Name === "" ? ID : Name;
}

/** As Nomad names it: https://developer.hashicorp.com/nomad/docs/job-specification/service#name. One of a group that has no name is no `${BASE}`, which ends in "group". */
function nameOf({ Name }: ServiceSpec, job: string, group: string, task?: string): string {
  if (Name === undefined || Name === null || Name === "")
    return [job, group, ...(task === undefined ? [] : [task])].join("-");
  const ofTask = task ?? "group";
  const words = new Map([
    ["JOB", job],
    ["TASKGROUP", group],
    ["GROUP", group],
    ["TASK", ofTask],
    ["BASE", `${job}-${group}-${ofTask}`],
  ]);
  return Name.replaceAll(/\$\{([A-Z]+)\}/g, (whole, word: string) => words.get(word) ?? whole);
}
