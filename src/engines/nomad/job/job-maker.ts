import { createHash } from "node:crypto";
import type { GroupSpec, JobSpec, Nomad } from "../../../nomad-api/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { SharedRead } from "../cluster/shared-read.ts";
import type { JobSettings } from "./job-settings.ts";
import { makeJob } from "./make-job.ts";
import { makeNewJob } from "./make-new-job.ts";
import { ownJob } from "./own-job.ts";
import { isHcl, readJobspec } from "./read-jobspec.ts";
import { requireInPlace } from "./require-in-place.ts";
import { requireInstances } from "./require-instances.ts";
import { settingsNow } from "./settings-now.ts";

/** So many jobspecs of users are kept as Nomad parsed them. */
const MOST_PARSED = 100;
/** In which datacenters there are nodes is asked no more often: many jobs may be made at once. */
const SETTINGS_MS = 5000;

/** Makes the jobs of releases, of what the app says or of a jobspec of the user's own, which Nomad itself parses if it is in HCL. */
export class JobMaker {
  readonly #nomad: Nomad;
  readonly #clock: Clock;
  readonly #settings: SharedRead<JobSettings>;
  #known: { settings: JobSettings; at: number } | undefined;
  readonly #parsed = new Map<string, JobSpec>();

  constructor(nomad: Nomad, settings: JobSettings, clock: Clock) {
    this.#nomad = nomad;
    this.#clock = clock;
    this.#settings = new SharedRead(() => settingsNow(settings, nomad));
  }

  /**
   * Of a release that is there already: what was taken once is made again as it was, whatever is asked of new ones since. Throws CONFIG_INVALID, NOMAD_JOB_INVALID, ROUTE_TAG_INVALID; also of a
   * jobspec of the user's own that would be registered where nobody looks for it any more, since Steppe is started for another namespace.
   *
   * @param attempt how often this release was placed before
   */
  async make(release: ReleaseSpec, attempt: number, signal?: AbortSignal): Promise<JobSpec> {
    const settings = await this.#settingsNow(signal);
    if (release.definition.job === null) return makeJob(release, settings, attempt);
    return await this.#ownJob(release, release.definition.job, attempt, { settings, signal });
  }

  /** The same of a release that is deployed for the first time. Throws also if visitors would meet it before it has proved healthy, or it could not. */
  async makeNew(release: ReleaseSpec, attempt: number, signal?: AbortSignal): Promise<JobSpec> {
    const { app, definition } = release;
    const settings = await this.#settingsNow(signal);
    if (definition.job === null) return makeNewJob(release, settings, attempt);
    const job = await this.#ownJob(release, definition.job, attempt, { settings, signal });
    if (mayNameDefaults(definition.job, settings)) {
      const unfilled = await readJobspec(definition.job, { nomad: this.#nomad, app, isFilledIn: false, signal });
      requireInPlace(app, unfilled, settings, { isFilledIn: false });
    }
    requireInstances(app, job);
    return job;
  }

  async #ownJob(
    release: ReleaseSpec,
    jobspec: string,
    attempt: number,
    { settings, signal }: { settings: JobSettings; signal: AbortSignal | undefined },
  ): Promise<JobSpec> {
    const { app } = release;
    const parsed = await this.#parse(app, jobspec, signal);
    requireDeployments(app, parsed);
    requireInPlace(app, parsed, settings);
    return ownJob(parsed, release, settings, attempt);
  }

  async #settingsNow(signal: AbortSignal | undefined): Promise<JobSettings> {
    const at = this.#clock.monotonic();
    if (this.#known === undefined || at - this.#known.at >= SETTINGS_MS)
      this.#known = { settings: await this.#settings.get(signal), at };
    return this.#known.settings;
  }

  async #parse(app: string, text: string, signal: AbortSignal | undefined): Promise<JobSpec> {
    const key = createHash("sha256").update(text).digest("base64");
    const known = this.#parsed.get(key);
    if (known !== undefined) return known;
    const parsed = await readJobspec(text, { nomad: this.#nomad, app, signal });
    if (this.#parsed.size >= MOST_PARSED) this.#parsed.clear();
    this.#parsed.set(key, parsed);
    return parsed;
  }
}

/** Whether what Nomad fills in where nothing is said, and is not Steppe's, may be what a jobspec says. */
function mayNameDefaults(text: string, { namespace = "default", region = "global" }: JobSettings): boolean {
  if (!isHcl(text)) return false;
  return (namespace !== "default" && /\bnamespace\b/.test(text)) || (region !== "global" && /\bregion\b/.test(text));
}

/** Throws NOMAD_JOB_INVALID if Nomad would tell nothing of how a new version of the job fares. */
function requireDeployments(app: string, job: JobSpec): void {
  const refuse = (cause: string, hint: string): never => {
    throw new SteppeError("NOMAD_JOB_INVALID", { operation: "make the job of", subject: app, cause, hint });
  };
  if ((job.Type ?? "service") !== "service")
    refuse(
      `its type is ${job.Type}, and only a service has deployments`,
      'Leave out `type`, or say `type = "service"`.',
    );
  const without = (job.TaskGroups ?? []).find((group) => !isUpdated(job, group));
  if (without !== undefined)
    refuse(
      `its group ${without.Name} has \`max_parallel = 0\`, so Nomad replaces instances without a deployment`,
      "Say in `update` how many may be replaced at once.",
    );
}

function isUpdated({ Update }: JobSpec, group: GroupSpec): boolean {
  return (group.Update?.MaxParallel ?? Update?.MaxParallel ?? 1) > 0;
}
