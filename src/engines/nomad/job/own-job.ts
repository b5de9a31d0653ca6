import type { JobSpec, TaskSpec } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { requireSoundTags } from "../fabio/check-tags.ts";
import { imageOf } from "./image-of.ts";
import { imageRepository } from "./image-repository.ts";
import { ownerMeta } from "./job-owner.ts";
import type { JobSettings } from "./job-settings.ts";
import { servicesOf } from "./services-of.ts";

/**
 * A user's own job for a release: all of it theirs but the image, wherever it is that of the app's repository, and the meta by which Steppe knows the job. Neither is changed in
 * place.
 *
 * Throws NOMAD_JOB_INVALID if no task runs the app's image; ROUTE_TAG_INVALID.
 *
 * @param spec as Nomad parsed it
 * @param attempt how often this release was placed before
 */
export function ownJob(spec: JobSpec, release: ReleaseSpec, settings: JobSettings, attempt = 0): JobSpec {
  const image = imageOf(release);
  let replaced = 0;
  const withImage = (task: TaskSpec): TaskSpec => {
    if (!runs(task, release)) return task;
    replaced++;
    return { ...task, Config: { ...task.Config, image } };
  };
  const groups = (spec.TaskGroups ?? []).map((group) => ({ ...group, Tasks: group.Tasks?.map(withImage) ?? null }));
  if (replaced === 0) throw runsNothing(spec, release);
  const job = {
    ...spec,
    ...placeOf(settings),
    TaskGroups: groups,
    Meta: { ...spec.Meta, ...ownerMeta(release, attempt) },
  };
  for (const { name, tags, canaryTags } of servicesOf(job)) {
    for (const some of [tags, canaryTags]) requireSoundTags({ name, tags: some }, settings.tagPrefix);
  }
  return job;
}

function placeOf({ namespace, region }: JobSettings): Pick<JobSpec, "Namespace" | "Region"> {
  return {
    ...(namespace === undefined ? {} : { Namespace: namespace }),
    ...(region === undefined ? {} : { Region: region }),
  };
}

/** Whether the task's image is one of the app's repository, whatever its tag or digest. */
function runs({ Driver, Config }: TaskSpec, { definition }: ReleaseSpec): boolean {
  const image = Config?.["image"];
  if ((Driver !== "docker" && Driver !== "podman") || typeof image !== "string") return false;
  const repository = imageRepository(image);
  return repository !== undefined && repository === imageRepository(definition.image?.repository ?? "");
}

function runsNothing({ ID }: JobSpec, { app, definition }: ReleaseSpec): SteppeError {
  return new SteppeError("NOMAD_JOB_INVALID", {
    operation: "make the job of",
    subject: app,
    cause: `no task of the job ${ID} runs an image of ${definition.image?.repository ?? "a registry"}`,
    hint: "Give a task that image; which version of it Steppe says.",
  });
}
