import { SteppeError } from "../shared/errors.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import type { Journal } from "./journal.ts";
import { type RunContext, runDeployment, STOPPING, subjectOf } from "./run-deployment.ts";
import { Semaphore } from "../shared/semaphore.ts";
import type { DeployOptions, Deployment, DeploymentSource } from "./types.ts";

/** How long to wait before a deployment whose end could not be journaled is taken up again. */
const RETRY_MS = 5000;

interface Running {
  id: number;
  controller: AbortController;
  ended: Promise<void>;
}

/**
 * One deployment at a time per app, the oldest first. A newer one of the repository supersedes one that waits; a rollback does
 * not wait for what is on its way, it supersedes that too.
 */
export class Scheduler {
  readonly #dependencies: DeployerDependencies;
  readonly #journal: Journal;
  readonly #builds: Semaphore;
  readonly #afterEnd: (app: string, isLive: boolean) => void;
  readonly #running = new Map<string, Running>();
  /** Apps that are being removed, and what is answered to whoever wants to deploy them. */
  readonly #closed = new Map<string, SteppeError>();
  #stopping = false;

  /** @param afterEnd called when a deployment of the app is no longer worked on, with whether it went live */
  constructor(dependencies: DeployerDependencies, journal: Journal, afterEnd: (app: string, isLive: boolean) => void) {
    this.#dependencies = dependencies;
    this.#journal = journal;
    this.#builds = new Semaphore(dependencies.parallelBuilds);
    this.#afterEnd = afterEnd;
  }

  /**
   * Journals a deployment. To be called within the transaction that belongs to it; `announce` follows after it.
   * What waits for the same app and is thereby out of date is superseded when announced. Throws what `close` was given.
   */
  insert(app: string, source: DeploymentSource, options: DeployOptions): number {
    const refusal = this.#closed.get(app);
    if (refusal !== undefined) throw refusal;
    return this.#journal.insert(app, source, options);
  }

  /** Tells of a deployment that was inserted, and runs it when its turn comes. */
  announce(id: number): Deployment {
    const deployment = this.#journal.get(id);
    if (deployment === undefined) throw new Error(`deployment ${id} was not inserted`);
    this.#journal.announceQueued(id);
    this.#supersede(deployment);
    this.#sayWhatItWaitsFor(deployment);
    this.kick(deployment.app);
    return deployment;
  }

  /** Journals a deployment, with `also` in the same transaction, and runs it when its turn comes. Throws as `insert` does. */
  enqueue(app: string, source: DeploymentSource, options: DeployOptions, also: () => void = () => {}): Deployment {
    if (this.#stopping) throw STOPPING;
    const id = this.#dependencies.store.transaction(() => {
      also();
      return this.insert(app, source, options);
    });
    return this.announce(id);
  }

  /** Runs the app's oldest unfinished deployment, unless one runs already. */
  kick(app: string): void {
    if (this.#stopping || this.#closed.has(app) || this.#running.has(app)) return;
    const next = this.#journal.table.unfinishedOf(app)[0];
    if (next === undefined) return;
    const controller = new AbortController();
    const context: RunContext = {
      dependencies: this.#dependencies,
      journal: this.#journal,
      builds: this.#builds,
      signal: controller.signal,
    };
    const ended = this.#run(next.id, context);
    this.#running.set(app, { id: next.id, controller, ended });
  }

  async #run(id: number, context: RunContext): Promise<void> {
    const { journal, dependencies, signal } = context;
    const app = journal.get(id)?.app ?? "";
    try {
      await runDeployment(id, context);
    } catch (error) {
      // Not even its failure could be journaled, as when the disk is full: it stays where it is, and is taken up again.
      dependencies.log.error({ app, deployment: id, err: error }, "a deployment could not be journaled; trying again");
      await dependencies.clock.sleep(RETRY_MS, { signal, unref: true }).catch(() => {}); // aborted: it ends now
    }
    this.#running.delete(app);
    this.#afterEnd(app, journal.get(id)?.state === "live");
    this.kick(app);
  }

  /** Takes no more deployments of an app until `reopen`, aborts the one that runs and ends those that wait. */
  async close(app: string, reason: SteppeError): Promise<void> {
    this.#closed.set(app, reason);
    for (const waiting of this.#journal.table.unfinishedOf(app)) {
      if (waiting.id !== this.#running.get(app)?.id) this.#end(waiting, reason);
    }
    const running = this.#running.get(app);
    running?.controller.abort(reason);
    await running?.ended;
  }

  /** The app is gone: one of its name may come. */
  reopen(app: string): void {
    this.#closed.delete(app);
  }

  /** Leaves what runs where it is, to be taken up at the next start. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const all = [...this.#running.values()];
    for (const running of all) running.controller.abort(STOPPING);
    await Promise.all(all.map((running) => running.ended));
  }

  #supersede(newer: Deployment): void {
    const running = this.#running.get(newer.app);
    for (const older of this.#journal.table.unfinishedOf(newer.app)) {
      if (older.id >= newer.id) continue;
      if (older.id === running?.id) {
        const preempts = newer.source.kind === "rollback" && older.state !== "healthy";
        if (preempts) running.controller.abort(superseded(older, newer));
      } else if (replaces(newer.source, older.source)) {
        this.#end(older, superseded(older, newer));
      }
    }
  }

  /** For the one who follows it. What is being ended already is not worth a word. */
  #sayWhatItWaitsFor({ id, app }: Deployment): void {
    const running = this.#running.get(app);
    const before = this.#journal.table.unfinishedOf(app).findLast((other) => other.id < id);
    if (before === undefined || (before.id === running?.id && running.controller.signal.aborted)) return;
    this.#journal.note(id, `waits for the deployment of ${subjectOf(before)}`);
  }

  #end(deployment: Deployment, reason: SteppeError): void {
    const state = reason.code === "DEPLOYMENT_SUPERSEDED" ? "superseded" : "failed";
    const error = reason.toJSON();
    this.#journal.enter(deployment.id, state, reason.message, { error }, { error });
  }
}

/** Whether an older deployment that waits has nothing left to do once the newer one is live. */
function replaces(newer: DeploymentSource, older: DeploymentSource): boolean {
  if (newer.kind === "definition") return older.kind === "definition";
  // The changed definition stands even if the newer content turns out bad.
  return older.kind !== "definition" || newer.kind === "rollback";
}

function superseded(older: Deployment, newer: Deployment): SteppeError {
  return new SteppeError("DEPLOYMENT_SUPERSEDED", {
    operation: "deploy",
    subject: subjectOf(older),
    cause: `${subjectOf(newer)} came after it, before it was live`,
  });
}
