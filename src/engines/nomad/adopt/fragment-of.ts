import { isDeepStrictEqual } from "node:util";
import type { NomadFragment } from "../../../config/index.ts";
import type { CheckSpec, ConstraintSpec, GroupSpec, JobSpec, ServiceSpec, TaskSpec } from "../../../nomad-api/index.ts";
import { isRouteTag, URL_PREFIX } from "../fabio/read-route-tag.ts";
import { domainOf } from "./adopted-routes.ts";
import { constraintDefinition, ownConstraints } from "./constraints.ts";
import { keptTemplates } from "./image-of-task.ts";
import { leftOver } from "./left-over.ts";
import { nomadUsual, SERVERS_OWN } from "./nomad-usual.ts";
import type { PlainJob } from "./plain-job.ts";
import { withoutOwner } from "./without-owner.ts";
import { withoutScalingId } from "./without-scaling-id.ts";

/** What is said by other means than a fragment, or is Steppe's to say. */
const EXCEPT = {
  job: new Set([...SERVERS_OWN, "ID", "Name", "Type", "TaskGroups", "Update", "Namespace", "Region"]),
  group: new Set(["Name", "Tasks", "Services", "Networks", "Update", "Count", "ShutdownDelay", "Constraints"]),
  task: new Set(["Name", "Driver", "Services", "Env", "Templates"]),
  service: new Set(["Name", "Provider", "PortLabel", "Checks", "Tags", "TaskName"]),
};

/**
 * What is to be put over the job that Steppe makes of a definition, so that it says all that a job says which the definition has no name for.
 *
 * @param made the job of the definition, with nothing put over it
 */
export function fragmentOf(plain: PlainJob, made: JobSpec, tagPrefix?: string): NomadFragment {
  const group = made.TaskGroups?.[0];
  const task = group?.Tasks?.[0];
  const service = group?.Services?.[0];
  if (group === undefined || task === undefined || service === undefined) throw new Error("the job has no parts");
  return {
    job: jobPart(plain.job, made),
    group: groupPart(plain.group, group),
    task: taskPart(plain, task),
    service: plain.service === undefined ? {} : servicePart(plain.service, plain.check, service, tagPrefix),
  };
}

function jobPart(job: JobSpec, made: JobSpec): Record<string, unknown> {
  const constraints = (made.Constraints ?? []).map(constraintDefinition);
  const isSaid = (constraint: ConstraintSpec): boolean =>
    constraints.some((other) => isDeepStrictEqual(other, constraintDefinition(constraint)));
  const spreads = new Set((made.Spreads ?? []).map(({ Attribute }) => Attribute));
  const rest = {
    ...withoutOwner(job),
    Constraints: (job.Constraints ?? []).filter((constraint) => !isSaid(constraint)),
    Spreads: (job.Spreads ?? []).filter(({ Attribute }) => !spreads.has(Attribute)),
  };
  return leftOver(rest, made, { usual: nomadUsual.job, except: EXCEPT.job });
}

function groupPart(group: GroupSpec, made: GroupSpec): Record<string, unknown> {
  const left = leftOver(withoutScalingId(group), made, { usual: nomadUsual.group, except: EXCEPT.group });
  return { ...left, ...some("Constraints", ownConstraints(group)) };
}

function taskPart({ task, group }: PlainJob, made: TaskSpec): Record<string, unknown> {
  const { image: _image, ...Config } = task.Config ?? {};
  // Nomad writes the group's into each task.
  const usual = { ...nomadUsual.task, RestartPolicy: group.RestartPolicy ?? {} };
  const left = leftOver({ ...task, Config }, made, { usual, except: EXCEPT.task });
  return { ...left, ...some("Templates", leftOver({ Templates: keptTemplates(task).kept }, {})["Templates"]) };
}

function servicePart(
  service: ServiceSpec,
  check: CheckSpec | undefined,
  made: ServiceSpec,
  tagPrefix?: string,
): Record<string, unknown> {
  const others = (service.Checks ?? []).flatMap((one) => (one === check ? [] : [{ ...one, TaskName: "" }]));
  const tags = (service.Tags ?? []).filter(
    (tag) => domainOf(tag, tagPrefix) === undefined && !made.Tags?.includes(tag),
  );
  const proved = (service.CanaryTags ?? []).filter((tag) => !isRouteTag(tag, tagPrefix));
  const rest = { ...withoutOwner(service), CanaryTags: proved };
  const left = leftOver(rest, made, { usual: nomadUsual.service, except: EXCEPT.service });
  return { ...left, ...some("Tags", tags), ...some("Checks", leftOver({ Checks: others }, {})["Checks"]) };
}

/** The tags by which a job sends visitors to its canaries. Steppe sends them there once a release has proved healthy. */
export function canaryRoutes({ service }: PlainJob, tagPrefix = URL_PREFIX): string[] {
  return (service?.CanaryTags ?? []).filter((tag) => isRouteTag(tag, tagPrefix));
}

function some(name: string, list: unknown): Record<string, unknown> {
  return Array.isArray(list) && list.length > 0 ? { [name]: list as unknown[] } : {};
}
