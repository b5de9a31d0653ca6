import type { JobSpec, ServiceSpec } from "../../../nomad-api/index.ts";
import { isRouteTag, URL_PREFIX } from "../fabio/read-route-tag.ts";
import { type ImageTask, imageTasks } from "./image-of-task.ts";
import { unadoptable } from "./unadoptable.ts";

/** Which image of a job is the app's. */
export interface AppImage extends ImageTask {
  /** Repositories of the other images of the job, whose versions stay as they are. */
  others: string[];
}

/** What tells the tasks that answer visitors from those beside them. */
type Rule = (found: ImageTask, prefix: string) => boolean;

/** Each narrows what the ones before it left, where it leaves any. */
const RULES: readonly Rule[] = [
  (found, prefix) => routedServices(found, prefix).length > 0,
  ({ task }) => (task["Lifecycle"] ?? undefined) === undefined,
  (found, prefix) => {
    const ports: unknown = found.task.Config?.["ports"];
    return Array.isArray(ports) && routedServices(found, prefix).some(({ PortLabel }) => ports.includes(PortLabel));
  },
];

/** The image that visitors are answered by. Throws NOMAD_JOB_UNADOPTABLE if there is none, or it cannot be told which it is. */
export function appImage(job: JobSpec, prefix = URL_PREFIX): AppImage {
  const all = imageTasks(job);
  if (all.length === 0) {
    const hint = "Only an image of a registry can be deployed by Steppe.";
    throw unadoptable(job.ID, "none of its tasks runs an image of a registry", hint);
  }
  let left = all;
  for (const rule of RULES) {
    const matching = left.filter((found) => rule(found, prefix));
    if (matching.length > 0) left = matching;
  }
  const [repository = "", ...more] = repositoriesOf(left);
  const [first] = left;
  if (first === undefined || more.length > 0) {
    const hint =
      "Let the task that answers visitors have the port of their service in its `ports`, and no other task of the group.";
    throw unadoptable(job.ID, `it cannot be told which image is the app's: ${[repository, ...more].join(", ")}`, hint);
  }
  return { ...first, others: repositoriesOf(all).filter((one) => one !== repository) };
}

function repositoriesOf(tasks: readonly ImageTask[]): string[] {
  return [...new Set(tasks.map(({ repository }) => repository))];
}

/** The services by which visitors may reach a task. */
function routedServices({ group, task }: ImageTask, prefix: string): ServiceSpec[] {
  const ofGroup = (group.Services ?? []).filter(({ TaskName }) =>
    [undefined, null, "", task.Name].includes(TaskName as string),
  );
  return [...ofGroup, ...(task.Services ?? [])].filter(({ Tags }) =>
    (Tags ?? []).some((tag) => isRouteTag(tag, prefix)),
  );
}
