import type { AppDefinition } from "../../config/index.ts";
import type { JobPlan } from "../../nomad-api/index.ts";
import { SteppeError } from "../../shared/errors.ts";
import type { NomadJobTable } from "../../store/index.ts";
import type { EngineContext, Instance, ReleaseSpec } from "../engine.ts";
import type { KeyedReleases } from "./keyed/keyed-releases.ts";
import type { JobDrift, JobRemoval, NomadEngine } from "./nomad-engine.ts";

export interface BothWaysParts {
  /** For apps whose jobs Steppe makes. */
  jobs: NomadEngine;
  /** For apps whose jobs are their users' own, and take their tag from a key. */
  keyed: KeyedReleases;
  table: NomadJobTable;
}

/** The engine of a cluster that takes each app its own way, by its definition; an app may go from one to the other. */
export class BothWays implements NomadEngine {
  readonly name = "nomad";
  readonly #parts: BothWaysParts;

  constructor(parts: BothWaysParts) {
    this.#parts = parts;
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#parts.jobs.run(signal);
  }

  /** Of the job of a keyed app nothing is known before Nomad is asked. */
  validate(definition: AppDefinition): void {
    if (!isKeyed(definition)) this.#parts.jobs.validate(definition);
  }

  place(release: ReleaseSpec, context: EngineContext): Promise<void> {
    return this.#of(release).place(release, context);
  }

  /** A tag is tried by what serves, so there is nothing to see before it is routed. */
  async awaitHealthy(release: ReleaseSpec, context: EngineContext): Promise<void> {
    if (!isKeyed(release.definition)) return await this.#parts.jobs.awaitHealthy(release, context);
    context.signal.throwIfAborted();
  }

  async route(release: ReleaseSpec, context: EngineContext): Promise<void> {
    await this.#of(release).route(release, context);
    if (!isKeyed(release.definition)) this.#parts.keyed.remove(release.app);
  }

  /** An app that came to a job of its user's own leaves the one that Steppe made, but none that was taken over since then. */
  async retire(release: ReleaseSpec, context: EngineContext): Promise<void> {
    const { jobs, keyed, table } = this.#parts;
    const { app, definition } = release;
    if (definition.compatible === null) return await jobs.retire(release, context);
    if (keyed.isTakenOver(app)) return;
    const made = table.get(app);
    if (made?.job === definition.compatible.job) table.delete(app);
    else if (made !== undefined) await jobs.remove(app, context.signal); // in no hurry: who goes back may go back to that very job
  }

  abandon(release: ReleaseSpec, signal?: AbortSignal): Promise<void> {
    return this.#of(release).abandon(release, signal);
  }

  /** What serves by a key goes on, also where its job was taken over meanwhile. */
  async remove(app: string, signal?: AbortSignal): Promise<void> {
    const { jobs, keyed, table } = this.#parts;
    if (!keyed.has(app) || table.get(app) !== undefined) await jobs.remove(app, signal);
    keyed.remove(app); // last: should this be done once more, it has to be known
  }

  async instances(app?: string): Promise<Instance[]> {
    const { jobs, keyed } = this.#parts;
    const made = app !== undefined && this.#isOnlyKeyed(app) ? [] : await jobs.instances(app);
    return [...made, ...keyed.instances(app)];
  }

  retain(app: string, releases: readonly ReleaseSpec[]): Promise<void> {
    return this.#parts.jobs.retain(app, releases);
  }

  async plan(release: ReleaseSpec, options?: { isFormer?: boolean }): Promise<JobPlan> {
    const { compatible } = release.definition;
    if (compatible === null) return await this.#parts.jobs.plan(release, options);
    throw ownJob("plan", release.app, `a deployment changes no more than the key ${compatible.key}`);
  }

  async promote(app: string): Promise<void> {
    if (this.#isOnlyKeyed(app)) throw ownJob("promote", app, "Steppe makes no canaries of it");
    await this.#parts.jobs.promote(app);
  }

  async drift(release: ReleaseSpec): Promise<JobDrift | undefined> {
    return isKeyed(release.definition) ? await this.adoptedDrift(release.app) : await this.#parts.jobs.drift(release);
  }

  /** What comes from a key has the job that serves taken over before its first deployment. */
  async adoptedDrift(app: string): Promise<JobDrift | undefined> {
    const { jobs, table } = this.#parts;
    return table.get(app) === undefined ? undefined : await jobs.adoptedDrift(app);
  }

  async acceptDrift(app: string): Promise<void> {
    if (this.#isOnlyKeyed(app))
      throw ownJob("take over the job of", app, "whatever is changed in it is as it should be");
    await this.#parts.jobs.acceptDrift(app);
  }

  /** What is taken over while a tag is live by its key waits for the next deployment: neither the last step of that tag's takes it back, nor another tag. */
  async adopt(app: string, jobId: string): Promise<void> {
    await this.#parts.jobs.adopt(app, jobId);
    this.#parts.keyed.setTakenOver(app);
  }

  async removal(app: string): Promise<JobRemoval | undefined> {
    return this.#isOnlyKeyed(app) ? undefined : await this.#parts.jobs.removal(app);
  }

  purge(app: string): Promise<void> {
    return this.#parts.jobs.purge(app);
  }

  refresh(releases: readonly ReleaseSpec[]): Promise<void> {
    return this.#parts.jobs.refresh(releases);
  }

  #of({ definition }: ReleaseSpec): Pick<NomadEngine, "place" | "route" | "abandon"> {
    return isKeyed(definition) ? this.#parts.keyed : this.#parts.jobs;
  }

  /** Whether the job that has the app's name is none of Steppe's. */
  #isOnlyKeyed(app: string): boolean {
    const { keyed, table } = this.#parts;
    return keyed.has(app) && table.get(app) === undefined;
  }
}

function isKeyed({ compatible }: AppDefinition): boolean {
  return compatible !== null;
}

function ownJob(operation: string, app: string, why: string): SteppeError {
  return new SteppeError("USAGE", {
    operation,
    subject: app,
    cause: `its job is its user's own (\`compatible\`), and ${why}`,
    hint: "docs/compatible-mode.md tells how Steppe can take the job over.",
  });
}
