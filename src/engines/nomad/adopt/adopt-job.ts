import type { AppDefinition } from "../../../config/index.ts";
import type { JobSpec } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { printableJobspec } from "../job/read-jobspec.ts";
import type { JobSettings } from "../job/job-settings.ts";
import { makeJob } from "../job/make-job.ts";
import { makeNewJob } from "../job/make-new-job.ts";
import { domainsOf } from "./adopted-routes.ts";
import { notesOfOwn, notesOfPlain } from "./adoption-notes.ts";
import { appImage } from "./app-image.ts";
import { type DefinitionParts, definitionParts, isSteppes } from "./definition-parts.ts";
import { fragmentOf } from "./fragment-of.ts";
import type { ImageTask } from "./image-of-task.ts";
import { ownJobspec } from "./own-jobspec.ts";
import { type PlainJob, plainJob } from "./plain-job.ts";
import { SOME_DIGEST } from "./some-digest.ts";
import { unadoptable } from "./unadoptable.ts";

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
    const parts = definitionParts(plain, { repository: image.repository, site: null }, options.settings);
    const said = { ...parts, domains: requireDomains(job, parts.domains, options) };
    try {
      const definition = await withFragment(said, options, plain);
      return { definition, image: image.image, notes: notesOfPlain(plain, image, definition, options) };
    } catch (error) {
      if (!(error instanceof SteppeError) || error.code !== "CONFIG_INVALID") throw error;
      reason = error.reason;
    }
  }
  const spec = ownJobspec(job, image.repository);
  const definition = await ownDefinition(job, spec, image, options);
  const notes = [`It is kept as a jobspec, since ${reason}.`, ...notesOfOwn(job, image, spec, options)];
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
  makeNewJob({ app, number: 1, image: SOME_DIGEST, definition }, settings); // it fits, or CONFIG_INVALID says what does not
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
    run: { promote: isPromotedByHand(job) ? "manual" : "auto" },
    job: printableJobspec(spec),
  });
}

/** Whether some of its canaries wait for a person. */
function isPromotedByHand(job: JobSpec): boolean {
  if (isSteppes(job)) return false;
  return (job.TaskGroups ?? []).some(({ Update }) => (Update?.Canary ?? 0) > 0 && Update?.AutoPromote !== true);
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
