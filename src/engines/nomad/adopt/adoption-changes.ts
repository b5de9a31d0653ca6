import type { AppDefinition } from "../../../config/index.ts";
import type { JobDiff, JobSpec, Nomad, TaskSpec } from "../../../nomad-api/index.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { changesOf } from "../job/job-changes.ts";
import type { JobSettings } from "../job/job-settings.ts";
import { isOwnerKey } from "../job/job-owner.ts";
import { makeJob } from "../job/make-job.ts";
import { ownJob } from "../job/own-job.ts";
import { readJobspec } from "../job/read-jobspec.ts";
import { imageTasks } from "./image-of-task.ts";
import { SOME_DIGEST } from "./some-digest.ts";

/**
 * What the first deployment of an app changes in the job that it was adopted from, by Nomad's own word, besides the image and the meta by which Steppe knows the job; undefined: nothing.
 *
 * @param job as Nomad has it
 */
export async function adoptionChanges(
  job: JobSpec,
  definition: AppDefinition,
  { nomad, settings }: { nomad: Pick<Nomad, "jobs">; settings: JobSettings },
): Promise<JobDiff | undefined> {
  const app = definition.name;
  const release: ReleaseSpec = { app, number: 1, image: SOME_DIGEST, definition };
  const made =
    definition.job === null
      ? withTaskName(makeJob(release, settings), job)
      : ownJob(await readJobspec(definition.job, { nomad, app }), release, settings);
  const { diff } = await nomad.jobs.plan(withImages(made, job));
  return changesOf(diff, (path) => !isSteppesOwn(path));
}

/** That a task is called otherwise is said in words: as a difference it would be all that the task has. */
function withTaskName(made: JobSpec, job: JobSpec): JobSpec {
  const name = job.TaskGroups?.[0]?.Tasks?.[0]?.Name;
  const groups = made.TaskGroups ?? [];
  if (name === undefined) return made;
  return {
    ...made,
    TaskGroups: groups.map((group) => ({
      ...group,
      Tasks: (group.Tasks ?? []).map((task) => ({ ...task, Name: name })),
    })),
  };
}

/** With the images as they are in the job. */
function withImages(made: JobSpec, job: JobSpec): JobSpec {
  const images = new Map(imageTasks(job).map(({ group, task, image }) => [`${group.Name}/${task.Name}`, image]));
  const own = (group: string, task: TaskSpec): TaskSpec => {
    const image = images.get(`${group}/${task.Name}`);
    return image === undefined ? task : { ...task, Config: { ...task.Config, image } };
  };
  const groups = (made.TaskGroups ?? []).map((group) => ({
    ...group,
    Tasks: (group.Tasks ?? []).map((task) => own(group.Name, task)),
  }));
  return { ...made, TaskGroups: groups };
}

function isSteppesOwn(path: readonly string[]): boolean {
  const name = path.at(-1) ?? "";
  const [, key] = /^(?:Canary)?Meta\[(.*)\]$/.exec(name) ?? [];
  return key !== undefined && isOwnerKey(key);
}
