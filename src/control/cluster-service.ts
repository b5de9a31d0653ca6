import type { AdoptionView, AdoptRequest, DoctorReport, DriftView, PlanView, RemovalView } from "../api/types.ts";
import type { ClusterService } from "../api/index.ts";
import { type AppDefinition, definitionFromOptions, parseDefinition } from "../config/index.ts";
import type { Consul } from "../consul/index.ts";
import { deployableImage, type Deployer, type Deployment, type RegistryPort, releaseSpec } from "../deployer/index.ts";
import type { ReleaseSpec } from "../engines/engine.ts";
import {
  adoptionChanges,
  adoptJob,
  changesOf,
  type DefinitionParts,
  examineCluster,
  type JobSettings,
  placementCause,
  reversed,
  settingsNow,
} from "../engines/nomad/index.ts";
import { formatReference } from "../images/index.ts";
import type { JobDiff, JobPlan, Nomad } from "../nomad-api/index.ts";
import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { unlessRefused } from "./unless-refused.ts";

interface FoundDrift {
  job: string;
  diff: JobDiff | undefined;
  isAdopted: boolean;
}

/** What is asked of the engine, besides its contract. */
interface ClusterEngine {
  plan(release: ReleaseSpec, options: { isFormer: boolean }): Promise<JobPlan>;
  drift(release: ReleaseSpec): Promise<FoundDrift | undefined>;
  adoptedDrift(app: string): Promise<FoundDrift | undefined>;
  acceptDrift(app: string): Promise<void>;
  adopt(app: string, jobId: string): Promise<void>;
  removal(app: string): Promise<{ job: string; isStopped: boolean } | undefined>;
}

/** Which job is which app's, as Steppe registered it last. */
interface JobRows {
  all(): ReadonlyArray<{ app: string; job: string; jobModifyIndex: bigint }>;
  get(app: string): { job: string; jobModifyIndex: bigint } | undefined;
}

interface Dependencies {
  engine: ClusterEngine;
  nomad: Nomad;
  consul: Consul;
  /** How they are reached, for messages. */
  addresses: { nomad: string; consul: string };
  settings: JobSettings;
  /** Of the API of each Fabio; none: those that Consul has. */
  fabio: readonly string[];
  jobs: JobRows;
  deployer: Deployer;
  registry: RegistryPort;
  clock: Clock;
  log: Logger;
}

/** A status must not wait for a cluster that is away, milliseconds. */
const DRIFTED_MS = 2000;
/** More than are remembered of an app. */
const MOST_DEPLOYMENTS = 10_000;
const ADOPTED = "it was adopted from Nomad, and is not deployed yet";

/** The cluster that apps run on, for people who look after it. */
export class Cluster implements ClusterService {
  readonly #dependencies: Dependencies;

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  async plan(
    app: string,
    what: { release?: number | undefined; image?: string | undefined },
    signal: AbortSignal,
  ): Promise<PlanView> {
    const { engine, deployer } = this.#dependencies;
    const { release, number } = await this.#planned(app, what, signal);
    const wasLive = ({ release: one, state }: Deployment): boolean => one === number && state === "live";
    // As a rollback to it would be.
    const isFormer = number !== null && deployer.deployments(app, MOST_DEPLOYMENTS).some(wasLive);
    const { diff, updates, placementFailures, warnings } = await engine.plan(release, { isFormer });
    const failures = Object.entries(placementFailures);
    return {
      app,
      job: this.#jobOf(app),
      release: number,
      image: release.image,
      // How often a release was placed is no matter of what it is.
      changes: changesOf(diff, (path) => path.at(-1) !== "Meta[steppe_attempt]") ?? null,
      updates: Object.fromEntries(Object.entries(updates).map(([group, counts]) => [group, positive(counts)])),
      unplaced: Object.fromEntries(failures.map(([group, one]) => [group, placementCause({ [group]: one }) ?? ""])),
      warnings: warnings.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()])),
    };
  }

  async drift(app: string): Promise<DriftView | undefined> {
    const { nomad } = this.#dependencies;
    const found = await this.#drift(app);
    if (found === undefined) return undefined;
    const { value: job } = await nomad.jobs.read(found.job);
    const changes = changesOf(found.diff);
    return {
      app,
      job: found.job,
      version: job?.version ?? null,
      changedAt: job?.submittedAt ?? null,
      since: found.isAdopted ? "adopted" : "registered",
      changes: changes === undefined ? null : reversed(changes),
    };
  }

  async drifts(): Promise<DriftView[]> {
    const views: DriftView[] = [];
    for (const app of await this.#suspects(undefined, undefined)) {
      const drift = await this.#driftAtLeast(app);
      if (drift !== undefined) views.push(drift);
    }
    return views;
  }

  async drifted(app?: string): Promise<ReadonlySet<string> | undefined> {
    const { clock, log } = this.#dependencies;
    const end = new AbortController();
    const time = clock.sleep(DRIFTED_MS, { signal: end.signal, unref: true }).then(
      () => undefined,
      () => undefined,
    );
    const look = async (): Promise<ReadonlySet<string>> => {
      const found = new Set<string>();
      for (const name of await this.#suspects(app, end.signal)) {
        if (end.signal.aborted) break; // nobody waits for it any more
        const isChanged = async (): Promise<boolean> => (await this.#drift(name)) !== undefined;
        if (await unlessRefused(isChanged, () => true)) found.add(name);
      }
      return found;
    };
    try {
      return await Promise.race([look(), time]);
    } catch (error) {
      log.debug({ err: error }, "it cannot be said which jobs were changed");
      return undefined;
    } finally {
      end.abort();
    }
  }

  async overwriteDrift(app: string): Promise<DriftView | undefined> {
    const { engine, nomad, jobs } = this.#dependencies;
    const drift = await this.#driftAtLeast(app);
    const row = jobs.get(app);
    if (row === undefined) return drift;
    const { value: job } = await nomad.jobs.read(row.job);
    // One that is gone is made anew anyway.
    if (job !== undefined && job.jobModifyIndex !== row.jobModifyIndex) await engine.acceptDrift(app);
    return drift;
  }

  async adopt({ job: id, app: name, domains = [], take }: AdoptRequest): Promise<AdoptionView> {
    const { engine, nomad, deployer } = this.#dependencies;
    const settings = await settingsNow(this.#dependencies.settings, nomad);
    const { value: job } = await nomad.jobs.read(id);
    if (job === undefined) throw noJob(id);
    this.#requireUnowned(id, job.meta);
    const app = name ?? id;
    this.#requireWithoutJob(app, id);
    const define = (parts: DefinitionParts): Promise<AppDefinition> => definitionOf(app, parts);
    const { definition, image, notes } = await adoptJob(job.spec, { app, settings, domains, define });
    const changes = await adoptionChanges(job.spec, definition, { nomad, settings });
    if (take !== undefined) {
      if (take === "add") await deployer.addApp(definition, { paused: ADOPTED });
      await engine.adopt(app, id);
    }
    return { app, job: id, definition, image, changes: changes ?? null, notes, taken: take ?? null };
  }

  async removal(app: string): Promise<RemovalView> {
    const { engine, deployer } = this.#dependencies;
    const { compatible } = deployer.app(app).definition;
    const { job = compatible?.job ?? null, isStopped = false } = (await engine.removal(app)) ?? {};
    return { app, job, isStopped };
  }

  async doctor(signal: AbortSignal): Promise<DoctorReport> {
    const { nomad, consul, addresses, settings, fabio, deployer, registry, clock } = this.#dependencies;
    const apps = deployer.apps().flatMap(({ definition: { name, image } }) => {
      return image === null ? [] : [{ app: name, repository: image.repository }];
    });
    const look = {
      has: async (repository: string, until: AbortSignal): Promise<boolean> => {
        using reader = await registry.open();
        return ((await reader.tags(repository, 1, until)) ?? []).length > 0;
      },
    };
    const keys = deployer.apps().flatMap(({ definition: { compatible } }) => compatible?.key ?? []);
    const { namespace = "default", datacenters, tagPrefix } = settings;
    const images = { apps, look };
    return await examineCluster(
      { nomad, consul, addresses, namespace, datacenters, keys, fabio, tagPrefix, images, clock },
      signal,
    );
  }

  async #drift(app: string): Promise<FoundDrift | undefined> {
    const { engine } = this.#dependencies;
    const live = this.#liveOf(app);
    return live === undefined ? await engine.adoptedDrift(app) : await engine.drift(live);
  }

  /** As `drift`; where the live release is refused as it is compared with the job, without what was changed: one such app keeps nobody from hearing of the others. */
  #driftAtLeast(app: string): Promise<DriftView | undefined> {
    const { nomad, log } = this.#dependencies;
    return unlessRefused<DriftView | undefined>(
      () => this.drift(app),
      async (refusal) => {
        log.warn({ app, err: refusal }, "it cannot be said what somebody changed in its job");
        const name = this.#jobOf(app);
        const { version = null, submittedAt: changedAt = null } = (await nomad.jobs.read(name)).value ?? {};
        return { app, job: name, version, changedAt, since: "registered", changes: null };
      },
    );
  }

  /** The apps whose job has another index than Steppe registered it with, or this one if it is such: one question for all of them, or for its job alone. */
  async #suspects(only: string | undefined, signal: AbortSignal | undefined): Promise<string[]> {
    const { nomad, jobs, deployer } = this.#dependencies;
    const known = new Set(deployer.apps().map(({ definition }) => definition.name));
    const rows = jobs.all().filter(({ app }) => known.has(app) && (only === undefined || app === only));
    const [first] = rows;
    if (first === undefined) return [];
    const found = new Map<string, bigint>();
    if (only === undefined) {
      const { value: list } = await nomad.jobs.list({ signal });
      for (const { id, jobModifyIndex } of list) found.set(id, jobModifyIndex);
    } else {
      const { value: job } = await nomad.jobs.read(first.job, { signal });
      if (job !== undefined) found.set(job.id, job.jobModifyIndex);
    }
    return rows.filter(({ job, jobModifyIndex }) => found.get(job) !== jobModifyIndex).map(({ app }) => app);
  }

  /** The release to plan, and its number if it is one that is kept. */
  async #planned(
    app: string,
    { release: wanted, image: reference }: { release?: number | undefined; image?: string | undefined },
    signal: AbortSignal,
  ): Promise<{ release: ReleaseSpec; number: number | null }> {
    const { deployer } = this.#dependencies;
    const { definition } = deployer.app(app);
    const releases = deployer.releases(app);
    if (wanted !== undefined) {
      const found = releases.find(({ number }) => number === wanted);
      if (found === undefined) throw noRelease(app, `release ${wanted}`, "it is not kept, or there never was one");
      return { release: releaseSpec(found), number: wanted };
    }
    const live = this.#liveOf(app);
    const next = Math.max(0, ...releases.map(({ number }) => number)) + 1;
    if (reference !== undefined) {
      const found = await this.#find(definition, reference, signal);
      return { release: releaseSpec({ app, number: next, definition, ...found }), number: null };
    }
    if (live === undefined) throw noRelease(app, app, "nothing of it is live yet");
    const isSame = JSON.stringify(live.definition) === JSON.stringify(definition);
    const number = isSame ? live.number : next;
    return { release: { ...live, number, definition }, number: null };
  }

  /** Of an image that `steppe deploy` would take: whatever is asked for, a job has its app's own repository. */
  async #find(definition: AppDefinition, asked: string, signal: AbortSignal) {
    const operation = "plan";
    const { parsed } = deployableImage(definition, asked, { operation, isCluster: true });
    const reference = formatReference(parsed);
    using reader = await this.#dependencies.registry.open();
    const image = await reader.resolve(reference, signal);
    const origin = (digest: string) => ({ ref: null, commit: null, reference: formatReference({ ...parsed, digest }) });
    if (image !== undefined) return { image, ...origin(image) };
    const subject = `${definition.name} image ${reference}`;
    throw new SteppeError("IMAGE_NOT_FOUND", { operation, subject, cause: "the registry has no such image" });
  }

  #liveOf(app: string): ReleaseSpec | undefined {
    const live = this.#dependencies.deployer.releases(app).find((release) => release.live);
    return live && releaseSpec(live);
  }

  #jobOf(app: string): string {
    return this.#dependencies.jobs.get(app)?.job ?? app;
  }

  #requireUnowned(job: string, meta: Readonly<Record<string, string>>): void {
    const owner = this.#dependencies.jobs.all().find((row) => row.job === job)?.app ?? meta["steppe_app"];
    const known = this.#dependencies.deployer.apps().some(({ definition }) => definition.name === owner);
    if (!known) return;
    const cause = `it is the job of the app ${owner}`;
    throw new SteppeError("APP_EXISTS", { operation: "adopt the job", subject: job, cause });
  }

  /** An app that runs as a job already would from now on be another, and leave that one alone. */
  #requireWithoutJob(app: string, job: string): void {
    const { deployer, jobs } = this.#dependencies;
    const row = jobs.get(app);
    if (row === undefined || row.job === job) return;
    if (!deployer.apps().some(({ definition }) => definition.name === app)) return;
    throw new SteppeError("APP_EXISTS", {
      operation: "adopt the job",
      subject: job,
      cause: `the app ${app} has the job ${row.job} already`,
      hint: "Give the app that it becomes another name: `--name`.",
    });
  }
}

/** What is not said is as usual. */
async function definitionOf(app: string, parts: DefinitionParts): Promise<AppDefinition> {
  const { domains, image, check, run, ...rest } = parts;
  const usual = await definitionFromOptions(app, { domain: domains, image: image?.repository ?? "" });
  return await parseDefinition({
    ...usual,
    ...rest,
    check: { ...usual.check, ...check },
    run: { ...usual.run, ...run },
  });
}

function positive(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function noJob(job: string): SteppeError {
  return new SteppeError("NOMAD_NOT_FOUND", {
    operation: "adopt",
    subject: job,
    cause: "there is no such job on Nomad",
    hint: "`nomad job status` lists those that there are; NOMAD_NAMESPACE of the server says where it looks.",
  });
}

function noRelease(app: string, subject: string, cause: string): SteppeError {
  return new SteppeError("RELEASE_NOT_FOUND", {
    operation: "plan",
    subject,
    cause,
    hint: `\`steppe releases ${app}\` lists those that are kept; \`steppe plan ${app} --image REFERENCE\` plans an image of the registry.`,
  });
}
