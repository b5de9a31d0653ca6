import type { GroupSpec, JobSpec, ServiceSpec, TaskSpec } from "../../../nomad-api/index.ts";
import { ownConstraints } from "./constraints.ts";
import { imageTasks, keptTemplates } from "./image-of-task.ts";
import { leftOver } from "./left-over.ts";
import { nomadUsual, SERVERS_OWN } from "./nomad-usual.ts";
import { withoutOwner } from "./without-owner.ts";
import { withoutScalingId } from "./without-scaling-id.ts";

/**
 * A job as a user would have written it: without what the servers wrote into it or Nomad fills in anyway, and without the version of its image, which Steppe says.
 *
 * @param repository of the image
 */
export function ownJobspec(job: JobSpec, repository: string): JobSpec {
  const images = new Set(imageTasks(job).flatMap((found) => (found.repository === repository ? [found.task] : [])));
  const { ID, Name, Type, Namespace, Region } = job;
  const except = new Set([...SERVERS_OWN, "TaskGroups", "Update"]);
  const left = leftOver(withoutOwner(job), {}, { usual: nomadUsual.job, except });
  const groups = (job.TaskGroups ?? []).map((group) => ownGroup(group, repository, images));
  return { ...said({ ID, Name, Type, Namespace, Region }), ...left, ID, TaskGroups: groups };
}

function ownGroup(group: GroupSpec, repository: string, images: ReadonlySet<TaskSpec>): GroupSpec {
  const { Name, Count } = group;
  const rest = { ...withoutScalingId(group), Constraints: ownConstraints(group) };
  const left = leftOver(rest, {}, { usual: nomadUsual.group, except: new Set(["Tasks", "Services"]) });
  const tasks = (group.Tasks ?? []).map((task) => ownTask(task, group, images.has(task) ? repository : undefined));
  return { Name, ...said({ Count }), ...left, ...ownServices(group.Services), Tasks: tasks };
}

function ownTask(task: TaskSpec, group: GroupSpec, repository: string | undefined): TaskSpec {
  // Nomad writes the group's into each task.
  const usual = { ...nomadUsual.task, RestartPolicy: group.RestartPolicy ?? {} };
  const whole =
    repository === undefined
      ? task
      : { ...task, Templates: keptTemplates(task).kept, Config: { ...task.Config, image: repository } };
  return {
    Name: task.Name,
    ...leftOver(whole, {}, { usual, except: new Set(["Services"]) }),
    ...ownServices(task.Services),
  };
}

function ownServices(services: ServiceSpec[] | null | undefined): { Services?: ServiceSpec[] } {
  if ((services ?? []).length === 0) return {};
  return {
    Services: (services ?? []).map((service) => leftOver(withoutOwner(service), {}, { usual: nomadUsual.service })),
  };
}

/** Also what is as usual, if it says what something is. */
function said<Part extends Record<string, unknown>>(part: Part): Partial<Part> {
  const kept = Object.entries(part).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return Object.fromEntries(kept) as Partial<Part>;
}
