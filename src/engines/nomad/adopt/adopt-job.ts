import type { AppDefinition } from "../../../config/index.ts";
import type { JobSpec } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { printableJobspec } from "../job/read-jobspec.ts";
import type { JobSettings } from "../job/job-settings.ts";
import { makeJob } from "../job/make-job.ts";
import { domainsOf } from "./adopted-routes.ts";
import { type AppImage, appImage } from "./app-image.ts";
import { type DefinitionParts, definitionParts, isSteppes } from "./definition-parts.ts";
import { canaryRoutes, fragmentOf } from "./fragment-of.ts";
import { type ImageTask, keptTemplates } from "./image-of-task.ts";
import { ownJobspec } from "./own-jobspec.ts";
import { type PlainJob, plainJob } from "./plain-job.ts";
import { secretPlaces } from "./secret-places.ts";
import { SOME_DIGEST } from "./some-digest.ts";
import { unadoptable } from "./unadoptable.ts";

const MOST_PLACES = 10;

export interface AdoptOptions {
  /** What the app will be called. */
  app: string;
  settings: JobSettings;
  /** In place of the domains that the job's tags route; if there are none, those of the tags. */
  domains: readonly string[];
  /** Makes a definition of what is said of it, and of what is usual. Rejects with CONFIG_INVALID, DOMAIN_INVALID. */
  define(parts: DefinitionParts): Promise<AppDefinition>;
}

/** A job as an app. */
export interface AdoptedJob {
  definition: AppDefinition;
  /** The image that the job runs now, as it has it. */
  image: string;
  /** What a person should know of it, a sentence each. */
  notes: string[];
}

/**
 * The definition of an app that is a job which somebody registered: in the names of `steppe.yaml` as far as there are some, what there is no name for as a fragment; of what neither
 * can say, as the jobspec that it is.
 *
 * Throws NOMAD_JOB_UNADOPTABLE.
 *
 * @param job as Nomad has it
 */
export async function adoptJob(job: JobSpec, options: AdoptOptions): Promise<AdoptedJob> {
  requireService(job);
  const image = appImage(job, options.settings.tagPrefix);
  const plain = plainJob(job, options.app, options.settings.tagPrefix);
  let reason: string;
  if (typeof plain === "string") {
    reason = `it ${plain}`;
  } else {
    const parts = definitionParts(plain, { repository: image.repository, site: null }, options.settings.tagPrefix);
    const said = { ...parts, domains: requireDomains(job, parts.domains, options) };
    try {
      const definition = await withFragment(said, options, plain);
      const { run, nomad } = definition;
      const notes = [...notesOfPlain(plain, options), ...notesOf(image), ...secretNotes({ run, nomad })];
      return { definition, image: image.image, notes };
    } catch (error) {
      if (!(error instanceof SteppeError) || error.code !== "CONFIG_INVALID") throw error;
      reason = error.reason;
    }
  }
  const spec = ownJobspec(job, image.repository);
  const definition = await ownDefinition(job, spec, image, options);
  const notes = [
    `It is kept as a jobspec, since ${reason}.`,
    ...notesOf(image),
    ...notesOfOwn(job, image),
    ...secretNotes(spec),
  ];
  return { definition, image: image.image, notes };
}

async function withFragment(
  parts: DefinitionParts,
  { app, settings, define }: AdoptOptions,
  plain: PlainJob,
): Promise<AppDefinition> {
  const bare = await define(parts);
  const made = makeJob({ app, number: 1, image: SOME_DIGEST, definition: bare }, settings);
  const definition = await define({ ...parts, nomad: fragmentOf(plain, made, settings.tagPrefix) });
  makeJob({ app, number: 1, image: SOME_DIGEST, definition }, settings); // it fits, or CONFIG_INVALID says what does not
  return definition;
}

async function ownDefinition(
  job: JobSpec,
  spec: JobSpec,
  { repository }: ImageTask,
  options: AdoptOptions,
): Promise<AppDefinition> {
  const tags = (job.TaskGroups ?? []).flatMap((group) =>
    [group, ...(group.Tasks ?? [])].flatMap(({ Services }) =>
      (Services ?? []).flatMap((service) => service.Tags ?? []),
    ),
  );
  const domains = requireDomains(job, domainsOf(tags, options.settings.tagPrefix), options);
  return await options.define({
    domains,
    image: { repository, site: null },
    check: {},
    run: {},
    job: printableJobspec(spec),
  });
}

function notesOf({ task, image }: ImageTask): string[] {
  const { dropped } = keptTemplates(task);
  const notes = dropped.map(
    (name) =>
      `The template that sets ${name} is left out: Steppe says which image runs, and it would restart all instances.`,
  );
  if (image.includes("${") && dropped.length === 0)
    notes.push(`Its image is \`${image}\`: what puts the tag in there is not needed any more, and may be taken away.`);
  return notes;
}

function notesOfPlain(plain: PlainJob, { app, settings }: AdoptOptions): string[] {
  const notes: string[] = [];
  if (plain.task.Name !== app) notes.push(`Its task ${plain.task.Name} is called ${app} from then on.`);
  if (isSteppes(plain.job) && plain.group.Update?.AutoPromote !== true)
    notes.push(
      "A Steppe made it: whether a person let its releases take over cannot be seen. If so, say `run.promote: manual`.",
    );
  const routes = canaryRoutes(plain, settings.tagPrefix);
  if (routes.length > 0)
    notes.push(
      `Of its canaries' tags ${listed(routes)} is left out: a release has visitors once it has proved healthy.`,
    );
  return notes;
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

function notesOfOwn({ TaskGroups }: JobSpec, { repository, others }: AppImage): string[] {
  const groups = TaskGroups ?? [];
  const said = others.length === 0 ? "the image" : repository;
  const stays = others.length === 0 ? "" : `, also the version of ${others.join(" and of ")}`;
  const notes = [`Steppe says only which version of ${said} runs; all else stays as the jobspec has it${stays}.`];
  if (groups.some(({ Update }) => (Update?.Canary ?? 0) === 0))
    notes.push(
      "Without canaries (`Canary`, `AutoPromote` and `AutoRevert` of `Update`) a release replaces instances before it has proved healthy.",
    );
  if (groups.length > 1) notes.push("Each release starts the instances of all groups anew.");
  return notes;
}

function requireDomains({ ID }: JobSpec, found: readonly string[], { domains }: AdoptOptions): string[] {
  const wanted = domains.length > 0 ? domains : found;
  if (wanted.length > 0) return [...wanted];
  throw unadoptable(ID, "none of its services has a tag that routes a host", "Say which with `--domain HOST`.");
}

function requireService(job: JobSpec): void {
  if ((job.Type ?? "service") !== "service")
    throw unadoptable(job.ID, `it is of the type ${job.Type ?? ""}, and an app is a service`);
  if (job["Periodic"] || job["ParameterizedJob"])
    throw unadoptable(job.ID, "it is started again and again, and an app is a service");
  if (job.Stop === true) throw unadoptable(job.ID, "it is stopped", "Start it again: `nomad job run`.");
}
