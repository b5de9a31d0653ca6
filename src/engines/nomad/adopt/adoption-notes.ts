import type { AppDefinition } from "../../../config/index.ts";
import type { JobSpec } from "../../../nomad-api/index.ts";
import { URL_PREFIX } from "../fabio/read-route-tag.ts";
import type { JobSettings } from "../job/job-settings.ts";
import { visitedCanaries } from "../job/visited-canaries.ts";
import type { AppImage } from "./app-image.ts";
import { datacenterConstraint } from "./datacenter-constraint.ts";
import { isSteppes } from "./definition-parts.ts";
import { canaryRoutes } from "./fragment-of.ts";
import { type ImageTask, keptTemplates, restartsByTag } from "./image-of-task.ts";
import type { PlainJob } from "./plain-job.ts";
import { secretPlaces } from "./secret-places.ts";

const MOST_PLACES = 10;

interface Options {
  app: string;
  settings: JobSettings;
}

/** What a person should know of a job that is told in the names of a definition, a sentence each. */
export function notesOfPlain(
  plain: PlainJob,
  image: ImageTask,
  { run, nomad }: Pick<AppDefinition, "run" | "nomad">,
  options: Options,
): string[] {
  return [
    ...changeNotes(plain, options),
    ...tagNotes(image),
    ...steppeNotes(plain.job),
    ...scalingNotes(plain.job),
    ...secretNotes({ run, nomad }),
  ];
}

/**
 * The same of one that is kept as a jobspec.
 *
 * @param spec what is kept of it
 */
export function notesOfOwn(job: JobSpec, image: AppImage, spec: JobSpec, options: Options): string[] {
  return [
    ...tagNotes(image),
    ...updateNotes(job, image, options),
    ...steppeNotes(job),
    ...scalingNotes(job),
    ...secretNotes(spec),
  ];
}

function tagNotes({ task, image }: ImageTask): string[] {
  const { dropped } = keptTemplates(task);
  const notes = dropped.map(
    (name) =>
      `The template that sets ${name} is left out: Steppe says which image runs, and it would restart all instances.`,
  );
  if (image.includes("${") && dropped.length === 0)
    notes.push(
      restartsByTag(task)
        ? `Its image is \`${image}\`: the template that puts the tag in there does more, and is kept. It restarts all instances whenever the tag changes, until you take that out of it.`
        : `Its image is \`${image}\`: what puts the tag in there is not needed any more, and may be taken away.`,
    );
  return notes;
}

function changeNotes(plain: PlainJob, { app, settings }: Options): string[] {
  const notes: string[] = [];
  if (plain.task.Name !== app) notes.push(`Its task ${plain.task.Name} is called ${app} from then on.`);
  if (datacenterConstraint(plain.job, settings.datacenters) !== undefined)
    notes.push(
      `A constraint keeps it in ${(plain.job.Datacenters ?? []).join(", ")}: Steppe lets apps be in all datacenters that it knows.`,
    );
  const routes = canaryRoutes(plain, settings.tagPrefix);
  if (routes.length > 0)
    notes.push(
      `Of its canaries' tags ${listed(routes)} is left out: a release has visitors once it has proved healthy.`,
    );
  return notes;
}

function updateNotes(job: JobSpec, { repository, others }: AppImage, { settings }: Options): string[] {
  const groups = job.TaskGroups ?? [];
  const said = others.length === 0 ? "the image" : repository;
  const stays = others.length === 0 ? "" : `, also the version of ${others.join(" and of ")}`;
  const notes = [`Steppe says only which version of ${said} runs; all else stays as the jobspec has it${stays}.`];
  if (groups.some(({ Update }) => (Update?.Canary ?? 0) === 0))
    notes.push(
      "Without canaries (`Canary`, `AutoPromote` and `AutoRevert` of `Update`) a release replaces instances before it has proved healthy. With them its services want `CanaryTags` as well: canaries would have all tags of the others, and so visitors.",
    );
  const visited = visitedCanaries(job, settings.tagPrefix ?? URL_PREFIX);
  if (visited.length > 0)
    notes.push(
      `Canaries have visitors before they have proved healthy, by the tags of ${listed(visited)}: let its \`CanaryTags\` be others than routes, such as \`["canary"]\`.`,
    );
  if (groups.length > 1) notes.push("Each release starts the instances of all groups anew.");
  return notes;
}

/** Whether a person promoted is nothing that the job of a Steppe says. */
function steppeNotes(job: JobSpec): string[] {
  const isPromoted = (job.TaskGroups ?? []).every(({ Update }) => Update?.AutoPromote === true);
  if (!isSteppes(job) || isPromoted) return [];
  return [
    "A Steppe made it: whether a person let its releases take over cannot be seen. If so, say `run.promote: manual`.",
  ];
}

function scalingNotes({ TaskGroups }: JobSpec): string[] {
  if (!(TaskGroups ?? []).some(({ Scaling }) => typeof Scaling === "object" && Scaling !== null)) return [];
  return [
    "It may be scaled by others: each deployment sets how many instances there are, and each time that somebody else does so counts as a change of the job.",
  ];
}

function secretNotes(written: unknown): string[] {
  const places = secretPlaces(written);
  if (places.length === 0) return [];
  const more = places.length > MOST_PLACES ? `, and ${places.length - MOST_PLACES} more` : "";
  const named = listed(places.slice(0, MOST_PLACES));
  return [
    `What seems to be a credential is written as the job has it: ${named}${more}. Whoever reads the definition can read it.`,
  ];
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}
