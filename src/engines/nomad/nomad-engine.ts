import type { AppDefinition } from "../../config/index.ts";
import type { Consul } from "../../consul/index.ts";
import { type JobDiff, type JobPlan, type JobSpec, type Nomad, newestFirst } from "../../nomad-api/index.ts";
import type { Clock } from "../../shared/clock.ts";
import { SteppeError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/log.ts";
import type { KeyedAppTable, NomadJobTable } from "../../store/index.ts";
import type { Engine, EngineContext, Instance, ReleaseSpec } from "../engine.ts";
import { BothWays } from "./both-ways.ts";
import { ClusterWatch } from "./cluster/cluster-watch.ts";
import { ConsulRoutes } from "./fabio/consul-routes.ts";
import { FabioViews } from "./fabio/fabio-views.ts";
import { URL_PREFIX } from "./fabio/read-route-tag.ts";
import { JobMaker } from "./job/job-maker.ts";
import { readOwner } from "./job/job-owner.ts";
import type { JobSettings } from "./job/job-settings.ts";
import { imageOf } from "./job/image-of.ts";
import { makeNewJob } from "./job/make-new-job.ts";
import { KeyedReleases } from "./keyed/keyed-releases.ts";
import type { NomadParts } from "./parts.ts";
import { withinTime } from "./within-time.ts";
import { abandonRelease } from "./steps/abandon.ts";
import { jobIdOf, readAppJob } from "./steps/app-job.ts";
import { Approvals } from "./steps/approvals.ts";
import { awaitHealthy } from "./steps/await-healthy.ts";
import { CheckProbe } from "./steps/check-probe.ts";
import { findAdoptedDrift, findDrift, type JobDrift } from "./steps/find-drift.ts";
import { listInstances } from "./steps/list-instances.ts";
import { patiently } from "./steps/patiently.ts";
import { placeRelease } from "./steps/place.ts";
import { type JobRemoval, jobRemoval, removeApp } from "./steps/remove-app.ts";
import { retireOthers } from "./steps/retire.ts";
import { routeRelease } from "./steps/route.ts";
import { StandIns } from "./steps/stand-ins.ts";
import { Turns } from "./steps/turns.ts";
import { UnplacedApps } from "./steps/unplaced-apps.ts";

export interface NomadEngineOptions {
  nomad: Nomad;
  consul: Consul;
  settings: JobSettings;
  /** Of the API of each Fabio; none: those that Consul has as the service `fabio`. */
  fabio: readonly string[];
  table: NomadJobTable;
  /** For apps whose jobs take their image's tag from a key in Consul. */
  keyed: {
    table: KeyedAppTable;
    /** The digest that a reference's tag stands for in its registry; undefined if there is no such image. */
    resolve(reference: string, signal: AbortSignal): Promise<string | undefined>;
  };
  /** How many deployments are on their way at once. Default 100. */
  mostAtOnce?: number | undefined;
  clock: Clock;
  log: Logger;
}

/** The engine of a cluster: an instance is an allocation of the app's job, and its routes are tags in Consul, by which Fabio sends visitors there. */
export interface NomadEngine extends Engine {
  readonly name: "nomad";
  /** Follows the cluster until the signal says so; without that, every step asks again and again. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * What registering the release would change, by Nomad's own word. Nothing is registered.
   *
   * @param options.isFormer as in `EngineContext`
   */
  plan(release: ReleaseSpec, options?: { isFormer?: boolean }): Promise<JobPlan>;
  /** Has the canaries of the app's deployment take over. Throws NOMAD_DEPLOYMENT_OVER if there is none that waits, NOMAD_DEPLOYMENT_UNREADY. */
  promote(app: string): Promise<void>;
  /**
   * What somebody else changed in the app's job; undefined if nobody did.
   *
   * @param release the one that is live
   */
  drift(release: ReleaseSpec): Promise<JobDrift | undefined>;
  /** The same of an app of which nothing is live yet, since its job was taken over. */
  adoptedDrift(app: string): Promise<JobDrift | undefined>;
  /** Takes the app's job over as it is now: the next deployment overwrites what somebody else changed. Throws NOMAD_NOT_FOUND. */
  acceptDrift(app: string): Promise<void>;
  /** Takes over a job that Steppe did not make: the app's next deployment is its next version. Throws NOMAD_NOT_FOUND. */
  adopt(app: string, jobId: string): Promise<void>;
  /** What `remove` would do to the app's job; undefined if it has none. */
  removal(app: string): Promise<JobRemoval | undefined>;
  /** Files of former releases are in no instance that serves: there is nothing to do. */
  purge(app: string): Promise<void>;
  /** Releases are served from their images: there is nothing to do. */
  refresh(releases: readonly ReleaseSpec[]): Promise<void>;
}

export type { JobDiff, JobDrift, JobRemoval };

/** Longer than any instance should take to end. */
const UNDO_MS = 10 * 60_000;
const NO_IMAGE = `sha256:${"0".repeat(64)}`;

export function createNomadEngine(options: NomadEngineOptions): NomadEngine {
  const { nomad, consul, settings, fabio, table, clock, log } = options;
  const { tagPrefix = URL_PREFIX } = settings;
  const parts: NomadParts = {
    nomad,
    consul,
    cluster: new ClusterWatch({ nomad, consul, clock, log }),
    consulRoutes: new ConsulRoutes(consul, tagPrefix),
    fabio: new FabioViews({ consul, addresses: fabio, clock }),
    maker: new JobMaker(nomad, settings, clock),
    standIns: new StandIns(consul, clock),
    unplaced: new UnplacedApps(clock),
    table,
    tagPrefix,
    clock,
    log,
  };
  const probe = (job: JobSpec): CheckProbe => new CheckProbe(parts, job);
  const keyed = new KeyedReleases({ ...parts, ...options.keyed, probe });
  const turns = new Turns(clock, options.mostAtOnce);
  return new BothWays({ jobs: new ClusterEngine(parts, settings, turns), keyed, table });
}

class ClusterEngine implements NomadEngine {
  readonly name = "nomad";
  readonly #parts: NomadParts;
  readonly #settings: JobSettings;
  readonly #approvals = new Approvals();
  readonly #turns: Turns;

  constructor(parts: NomadParts, settings: JobSettings, turns: Turns) {
    this.#parts = parts;
    this.#settings = settings;
    this.#turns = turns;
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.cluster.run(signal);
    } finally {
      this.#parts.fabio[Symbol.dispose]();
    }
  }

  validate(definition: AppDefinition): void {
    const release = { app: definition.name, number: 1, image: NO_IMAGE, definition };
    imageOf(release); // whatever runs it is fetched by its digest, or known by it
    if (definition.job === null) makeNewJob(release, this.#settings);
  }

  async place(release: ReleaseSpec, context: EngineContext): Promise<void> {
    await this.#turns.begin(release.app, context);
    await this.#inTurn(release, context, () => placeRelease(this.#parts, release, context));
  }

  async awaitHealthy(release: ReleaseSpec, context: EngineContext): Promise<void> {
    await this.#inTurn(release, context, () => awaitHealthy(this.#parts, release, context));
  }

  async route(release: ReleaseSpec, context: EngineContext): Promise<void> {
    const awaitsPromotion = (waits: boolean): void => {
      if (waits) this.#turns.end(release.app); // for a person
      context.awaitsPromotion(waits);
    };
    const told = { ...context, awaitsPromotion };
    await this.#inTurn(release, context, () => routeRelease(this.#parts, release, told, this.#approvals));
    this.#turns.end(release.app);
  }

  retire(release: ReleaseSpec, context: EngineContext): Promise<void> {
    return this.#patiently(context, () => retireOthers(this.#parts, release, context));
  }

  abandon(release: ReleaseSpec, ended?: AbortSignal): Promise<void> {
    this.#turns.end(release.app);
    const signal = withinTime(UNDO_MS, ended);
    return this.#patiently({ signal, note: this.#log }, () => abandonRelease(this.#parts, release, signal));
  }

  remove(app: string, ended?: AbortSignal): Promise<void> {
    const signal = withinTime(UNDO_MS, ended);
    return this.#patiently({ signal, note: this.#log }, () => removeApp(this.#parts, app, signal));
  }

  async instances(app?: string): Promise<Instance[]> {
    const { table } = this.#parts;
    const apps = app === undefined ? table.all() : [{ app, job: jobIdOf(this.#parts, app) }];
    const instances: Instance[] = [];
    for (const one of apps) instances.push(...(await listInstances(this.#parts, one.app, one.job)));
    return instances;
  }

  /** The nodes fetch images from the registry, and Nomad's jobs are made anew of the definition. */
  async retain(): Promise<void> {}

  async plan(release: ReleaseSpec, { isFormer = false }: { isFormer?: boolean } = {}): Promise<JobPlan> {
    const { maker, nomad } = this.#parts;
    return await nomad.jobs.plan(await (isFormer ? maker.make(release, 0) : maker.makeNew(release, 0)));
  }

  async promote(app: string): Promise<void> {
    if (this.#approvals.give(app)) return;
    const { nomad } = this.#parts;
    const { value } = await nomad.jobs.deployments(jobIdOf(this.#parts, app));
    const [newest] = newestFirst(value);
    if (newest === undefined || newest.status !== "running") {
      throw new SteppeError("NOMAD_DEPLOYMENT_OVER", {
        operation: "promote",
        subject: app,
        cause: "no deployment of it waits for that",
        hint: `\`steppe status ${app}\` shows the latest deployment.`,
      });
    }
    await nomad.deployments.promote(newest.id);
  }

  drift(release: ReleaseSpec): Promise<JobDrift | undefined> {
    return findDrift(this.#parts, release);
  }

  adoptedDrift(app: string): Promise<JobDrift | undefined> {
    return findAdoptedDrift(this.#parts, app);
  }

  acceptDrift(app: string): Promise<void> {
    return this.adopt(app, jobIdOf(this.#parts, app));
  }

  async adopt(app: string, jobId: string): Promise<void> {
    const found = await readAppJob(this.#parts, jobId);
    if (found === undefined) {
      throw new SteppeError("NOMAD_NOT_FOUND", {
        operation: "take over",
        subject: jobId,
        cause: "there is no such job",
      });
    }
    const other = readOwner(found.job.meta)?.app;
    if (other !== undefined && other !== app) {
      const cause = `it is the job of the app ${other}`;
      throw new SteppeError("NOMAD_JOB_CHANGED", { operation: "take over", subject: jobId, cause });
    }
    this.#parts.table.set({ app, job: jobId, jobModifyIndex: found.job.jobModifyIndex });
  }

  removal(app: string): Promise<JobRemoval | undefined> {
    return jobRemoval(this.#parts, app);
  }

  async purge(): Promise<void> {}

  async refresh(): Promise<void> {}

  /** What fails gives its turn to others. */
  async #inTurn({ app }: ReleaseSpec, context: EngineContext, step: () => Promise<void>): Promise<void> {
    try {
      await this.#patiently(context, step);
    } catch (error) {
      this.#turns.end(app);
      throw error;
    }
  }

  #patiently<Result>(context: Pick<EngineContext, "signal" | "note">, step: () => Promise<Result>): Promise<Result> {
    return patiently(step, { clock: this.#parts.clock, ...context });
  }

  /** Where no deployment is told. */
  readonly #log = (message: string): void => this.#parts.log.warn({}, message);
}
