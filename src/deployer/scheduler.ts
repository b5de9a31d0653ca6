import { SteppeError } from "../shared/errors.ts";
import { withAgainHint } from "./again-hint.ts";
import { AppMarks } from "./app-marks.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import { Gates } from "./gates.ts";
import type { Journal } from "./journal.ts";
import { replaces, replacesCanaries } from "./policy/replaces.ts";
import { finishRetirement, type RunContext, runDeployment } from "./run-deployment.ts";
import { STOPPING } from "./stopping.ts";
import { subjectOf } from "./subject-of.ts";
import { HostPlaces } from "../shared/host-places.ts";
import { Semaphore } from "../shared/semaphore.ts";
import type { DeployOptions, Deployment, DeploymentSource, DeploymentState } from "./types.ts";

/** How long to wait before a deployment whose end could not be journaled is taken up again. */
const RETRY_MS = 5000;
const HOUR_MS = 60 * 60_000;
/** Of each registry: a thousand apps may be declared together. */
const LOOKS_AT_ONCE = 16;

/** In these the engine may have placed a release. */
const PLACED: ReadonlySet<DeploymentState> = new Set(["released", "placed", "healthy"]);

/** What is done of an app's deployment. */
type Work = (id: number, context: RunContext) => Promise<void>;

interface Running {
  id: number;
  controller: AbortController;
  /** Ends the wait for what served before it, once it is live. */
  hurry: AbortController;
  /** Ends the wait before it is taken up again. */
  wake: AbortController;
  ended: Promise<void>;
}

/**
 * One deployment at a time per app, the oldest first. A newer one of the repository supersedes one that waits; a rollback does
 * not wait for what is on its way, it supersedes that too, nor until what served before has ended.
 */
export class Scheduler {
  readonly #dependencies: DeployerDependencies;
  readonly #journal: Journal;
  readonly #places: Pick<RunContext, "builds" | "pulls" | "looks">;
  readonly #afterEnd: (app: string, isLive: boolean) => void;
  readonly #gates: Gates;
  readonly #running = new Map<string, Running>();
  /** By app, what ends the wait for its next window. */
  readonly #alarms = new Map<string, AbortController>();
  /** Apps that are being removed, and what is answered to whoever wants to deploy them. */
  readonly #closed = new Map<string, SteppeError>();
  /** By app, the deployment that is live and whose last step a process before this one may not have taken. */
  readonly #unretired = new Map<string, number>();
  readonly #stop = new AbortController();

  /** @param afterEnd called when a deployment of the app is no longer worked on, with whether it went live */
  constructor(dependencies: DeployerDependencies, journal: Journal, afterEnd: (app: string, isLive: boolean) => void) {
    this.#dependencies = dependencies;
    this.#journal = journal;
    const { parallelBuilds } = dependencies;
    const pulls = new HostPlaces(parallelBuilds);
    this.#places = { builds: new Semaphore(parallelBuilds), pulls, looks: new HostPlaces(LOOKS_AT_ONCE) };
    this.#gates = new Gates(dependencies, journal);
    this.#afterEnd = afterEnd;
  }

  /**
   * Journals a deployment that nobody asked for: what the app's policy says holds it. To be called within the transaction that
   * belongs to it; `announce` follows after it. What waits for the same app and is thereby out of date is superseded when
   * announced. Throws what `close` was given.
   */
  insert(app: string, source: DeploymentSource, options: DeployOptions): number {
    return this.#insert(app, source, { ...options, byItself: true });
  }

  /** Tells of a deployment that was inserted, and runs it when its turn comes. */
  announce(id: number, { sparesHeld = false }: { sparesHeld?: boolean } = {}): Deployment {
    const deployment = this.#journal.get(id);
    if (deployment === undefined) throw new Error(`deployment ${id} was not inserted`);
    this.#journal.announceQueued(id);
    this.#supersede(deployment, sparesHeld);
    if (this.#gates.admit(deployment)) this.#sayWhatItWaitsFor(deployment);
    this.kick(deployment.app);
    return this.#journal.get(id) ?? deployment;
  }

  /**
   * Journals a deployment that a person asked for, with `also` in the same transaction, and runs it when its turn comes. With
   * `sparesHeld` it supersedes nothing that is held. Throws as `insert` does.
   */
  enqueue(
    app: string,
    source: DeploymentSource,
    { sparesHeld, ...options }: DeployOptions & { sparesHeld?: boolean },
    also: () => void = () => {},
  ): Deployment {
    const id = this.#dependencies.store.transaction(() => {
      also();
      return this.insertAsked(app, source, options);
    });
    return this.announce(id, { sparesHeld: sparesHeld === true });
  }

  /** As `insert`, of a deployment that a person asked for. */
  insertAsked(app: string, source: DeploymentSource, options: DeployOptions): number {
    if (this.#stop.signal.aborted) throw STOPPING;
    return this.#insert(app, source, { ...options, byItself: false });
  }

  /** Lets a deployment go on that waits for approval. Throws NOTHING_TO_APPROVE. */
  approve(app: string, id: number | undefined): number {
    const deployment = this.#gates.awaitingApproval(app, id);
    this.#journal.approve(deployment.id);
    this.kick(app);
    return deployment.id;
  }

  /** Lets a deployment take over whose canaries are healthy. Throws NOTHING_TO_PROMOTE, and what the engine does. */
  async promote(app: string, id: number | undefined): Promise<number> {
    const deployment = this.#gates.awaitingPromotion(app, id);
    this.#gates.markPromoted(deployment.id, true);
    try {
      await this.#dependencies.engine.promote?.(app);
    } catch (error) {
      this.#gates.markPromoted(deployment.id, false);
      throw error;
    }
    this.#gates.promotion(deployment.id, false); // unless the engine was quicker to say so
    return deployment.id;
  }

  /** Ends a deployment that waits for promotion: its canaries are taken away. Throws NOTHING_TO_PROMOTE. */
  rejectCanaries(app: string, id: number | undefined): number {
    const deployment = this.#gates.awaitingPromotion(app, id);
    const parts = { operation: "deploy", subject: subjectOf(deployment), cause: "its canaries were rejected" };
    const reason = withAgainHint(new SteppeError("DEPLOYMENT_REJECTED", parts), deployment);
    this.#endCanaries(deployment, reason, "rejected: its canaries are taken away");
    return deployment.id;
  }

  /** Ends a deployment that waits for approval. Throws NOTHING_TO_APPROVE. */
  reject(app: string, id: number | undefined): number {
    const deployment = this.#gates.awaitingApproval(app, id);
    const parts = { operation: "deploy", subject: subjectOf(deployment), cause: "it was rejected" };
    this.#end(deployment, withAgainHint(new SteppeError("DEPLOYMENT_REJECTED", parts), deployment));
    return deployment.id;
  }

  /** What a person, or a newer deployment, decided of canaries holds also if this process dies before they are taken away. */
  #endCanaries({ id, app }: Deployment, reason: SteppeError, why: string): void {
    const running = this.#running.get(app);
    this.#dependencies.store.transaction(() => {
      this.#journal.ending(id, reason.toJSON());
      this.#gates.promotion(id, false, why);
    });
    if (running?.id === id) running.controller.abort(reason);
    else this.kick(app);
  }

  #insert(app: string, source: DeploymentSource, options: DeployOptions & { byItself: boolean }): number {
    const refusal = this.#closed.get(app);
    if (refusal !== undefined) throw refusal;
    return this.#journal.insert(app, source, options);
  }

  /** Takes up what a process left that ended: first it ends what is held and has a newer one beside it, which that process did not come to. */
  takeUp(app: string): void {
    const left = this.#journal.table.unfinishedOf(app);
    const unretired = new AppMarks(this.#dependencies.store, "retiring").of(app);
    // The last step of one that the engine has already is its own: before that, what it placed would be taken for what is left.
    if (unretired !== undefined && !left.some(({ state }) => PLACED.has(state))) this.#unretired.set(app, unretired);
    // One that is placed is first taken up, and then ended as one that runs.
    for (const older of left.filter(({ hold, state }) => hold !== null && state !== "healthy")) {
      const isNewer = ({ id, byItself, source }: Deployment): boolean =>
        byItself && id > older.id && replaces(source, older.source);
      const newer = left.find(isNewer);
      if (newer !== undefined) this.#end(older, superseded(older, newer));
    }
    this.kick(app);
  }

  /** Runs the app's oldest unfinished deployment that nothing holds, unless one runs already; one that only waits for promotion makes way. */
  kick(app: string): void {
    const running = this.#running.get(app);
    const waiting = running === undefined ? undefined : this.#gates.waitingForPromotion(running.id);
    if (this.#stop.signal.aborted || this.#closed.has(app) || (running !== undefined && waiting === undefined)) return;
    this.#alarms.get(app)?.abort();
    const unretired = this.#unretired.get(app);
    if (unretired !== undefined) {
      this.#unretired.delete(app);
      this.#begin(app, unretired, (id, context) => finishRetirement(app, id, context));
      if (this.#journal.table.unfinishedOf(app).some(isRollback)) this.#running.get(app)?.hurry.abort();
      return;
    }
    const { deployment: next, opensAt } = this.#gates.next(app, waiting?.id);
    if (opensAt !== undefined) void this.#kickAt(app, opensAt);
    if (next === undefined) return;
    if (waiting !== undefined) {
      if (!replacesCanaries(next.source, waiting.source)) return;
      const why = `makes way for ${subjectOf(next)}: its canaries are taken away`;
      return this.#endCanaries(waiting, superseded(waiting, next), why);
    }
    this.#begin(app, next.id, runDeployment);
  }

  #begin(app: string, id: number, work: Work): void {
    const controller = new AbortController();
    const hurry = new AbortController();
    const context: RunContext = {
      dependencies: this.#dependencies,
      journal: this.#journal,
      gates: this.#gates,
      ...this.#places,
      awaitsPromotion: (waiting, waits) => {
        // By a process that ended before the engine had done it.
        if (waits && this.#gates.isPromoted(waiting)) return this.#promoteAgain(app);
        this.#gates.promotion(waiting, waits);
        if (waits) this.kick(app); // what came meanwhile takes its place
      },
      signal: controller.signal,
      hurry: hurry.signal,
      stopping: this.#stop.signal,
    };
    const wake = new AbortController();
    const ended = this.#run(app, id, context, work, wake.signal);
    this.#running.set(app, { id, controller, hurry, wake, ended });
  }

  #promoteAgain(app: string): void {
    const { engine, log } = this.#dependencies;
    engine.promote?.(app).catch((error: unknown) => log.error({ app, err: error }, "promoting canaries failed"));
  }

  /** Within an hour, so that a clock that is set, or a machine that slept, delays nothing for long. */
  async #kickAt(app: string, time: number): Promise<void> {
    const alarm = new AbortController();
    this.#alarms.set(app, alarm);
    const { clock } = this.#dependencies;
    try {
      await clock.sleep(Math.min(HOUR_MS, time - clock.now()), { signal: alarm.signal, unref: true });
    } catch {
      return; // looked at since, or stopping
    } finally {
      if (this.#alarms.get(app) === alarm) this.#alarms.delete(app);
    }
    this.kick(app);
  }

  async #run(app: string, id: number, context: RunContext, work: Work, wake: AbortSignal): Promise<void> {
    const { journal, dependencies, signal, stopping } = context;
    try {
      await work(id, context);
    } catch (error) {
      // Not even its failure could be journaled, as when the disk is full, or nobody knows what became of it: it stays where it is, and is taken up again.
      dependencies.log.error({ app, deployment: id, err: error }, "a deployment came to no end; trying again");
      // What was aborted already is taken up again all the same, and not at once.
      const waking = AbortSignal.any(signal.aborted ? [wake, stopping] : [wake, stopping, signal]);
      await dependencies.clock.sleep(RETRY_MS, { signal: waking, unref: true }).catch(() => {}); // it ends now
    }
    this.#running.delete(app);
    if (journal.get(id)?.finishedAt !== null) {
      this.#gates.away.end(id);
      this.#gates.markPromoted(id, false);
    }
    this.#afterEnd(app, journal.get(id)?.state === "live");
    this.kick(app);
  }

  /** Takes no more deployments of an app until `reopen`, aborts the one that runs and ends those that wait. */
  async close(app: string, reason: SteppeError): Promise<void> {
    this.#closed.set(app, reason);
    this.#alarms.get(app)?.abort();
    for (const waiting of this.#journal.table.unfinishedOf(app)) {
      if (waiting.id !== this.#running.get(app)?.id) this.#end(waiting, reason);
    }
    const running = this.#running.get(app);
    running?.controller.abort(reason);
    running?.wake.abort();
    await running?.ended;
    // One that had failed before, and is not undone yet: removing the app does that.
    for (const left of this.#journal.table.unfinishedOf(app)) this.#end(left, reason);
  }

  /** The app is gone: one of its name may come. */
  reopen(app: string): void {
    this.#closed.delete(app);
  }

  /** Leaves what runs where it is, to be taken up at the next start. */
  async stop(): Promise<void> {
    this.#stop.abort(STOPPING);
    for (const alarm of this.#alarms.values()) alarm.abort();
    const all = [...this.#running.values()];
    for (const running of all) running.controller.abort(STOPPING);
    await Promise.all(all.map((running) => running.ended));
  }

  #supersede(newer: Deployment, sparesHeld: boolean): void {
    const running = this.#running.get(newer.app);
    if (isRollback(newer)) running?.hurry.abort();
    for (const older of this.#journal.table.unfinishedOf(newer.app)) {
      if (older.id >= newer.id) continue;
      if (older.id === running?.id) {
        if (isRollback(newer) && older.state !== "healthy") running.controller.abort(superseded(older, newer));
      } else if (replaces(newer.source, older.source) && !(sparesHeld && older.hold !== null)) {
        this.#end(older, superseded(older, newer));
      }
    }
  }

  /** For the one who follows it. What is being ended already is not worth a word. */
  #sayWhatItWaitsFor(deployment: Deployment): void {
    const { id, app } = deployment;
    const running = this.#running.get(app);
    const before = this.#journal.table
      .unfinishedOf(app)
      .findLast((other) => other.id < id && (other.hold === null || other.state === "healthy"));
    if (before === undefined) return isRollback(deployment) ? undefined : this.#sayWhatIsRetired(id, running?.id);
    if (before.id === running?.id && running.controller.signal.aborted) return;
    this.#journal.note(id, `waits for the deployment of ${subjectOf(before)}`);
  }

  /** On a cluster instances may take long to end. */
  #sayWhatIsRetired(id: number, running: number | undefined): void {
    const last = running === undefined ? undefined : this.#journal.get(running);
    if (last?.state !== "live" || !this.#dependencies.isCluster) return;
    this.#journal.note(id, `${subjectOf(last)} is live; waits until the instances that served before it have ended`);
  }

  #end(deployment: Deployment, reason: SteppeError): void {
    const state = reason.code === "DEPLOYMENT_SUPERSEDED" ? "superseded" : "failed";
    const error = reason.toJSON();
    this.#gates.away.end(deployment.id);
    this.#journal.enter(deployment.id, state, reason.message, { error }, { error });
  }
}

function isRollback({ source }: Deployment): boolean {
  return source.kind === "rollback";
}

function superseded(older: Deployment, newer: Deployment): SteppeError {
  return new SteppeError("DEPLOYMENT_SUPERSEDED", {
    operation: "deploy",
    subject: subjectOf(older),
    cause: `${subjectOf(newer)} came after it, before it was live`,
  });
}
