import { isDeepStrictEqual } from "node:util";
import { SteppeError } from "../shared/errors.ts";
import { AppTable, SettingTable } from "../store/index.ts";
import { AwayWaits } from "./away-waits.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import type { Journal } from "./journal.ts";
import { describeHold, type Hold, holdOf, needsApproval } from "./policy/hold.ts";
import { replacesCanaries } from "./policy/replaces.ts";
import { subjectOf } from "./subject-of.ts";
import type { Deployment, DeploymentState } from "./types.ts";

/** In these nothing of a deployment is where visitors could get it: here it can be held. */
const CAN_BE_HELD: ReadonlySet<DeploymentState> = new Set(["queued", "built"]);

/** Setting key, with a deployment's number: a person promoted it, and it has not ended. */
const PROMOTED = "promoted:";

/**
 * What deployments that came by themselves wait for: a pause to end, a person's approval, a window, a registry or a cluster that is away. It is asked anew
 * each time, of the store and the clock, so that nothing of it is lost by a crash; what is journaled is only for those who look.
 */
export class Gates {
  readonly #dependencies: DeployerDependencies;
  readonly #journal: Journal;
  readonly #apps: AppTable;
  readonly #settings: SettingTable;
  /** Those that found their registry, or the cluster, away. */
  readonly away: AwayWaits;

  constructor(dependencies: DeployerDependencies, journal: Journal) {
    this.#dependencies = dependencies;
    this.#journal = journal;
    this.#apps = new AppTable(dependencies.store);
    this.#settings = new SettingTable(dependencies.store);
    this.away = new AwayWaits(dependencies.clock);
  }

  /** Whether a deployment may go on. If what it waits for is another than was told last, that is journaled. */
  admit(deployment: Deployment): boolean {
    const app = this.#apps.get(deployment.app);
    const isReleased = deployment.state === "released"; // it may, and only the cluster may be away
    if (app === undefined || !(isReleased || CAN_BE_HELD.has(deployment.state))) return true;
    const away = this.away.holdOf(deployment.id);
    const now = this.#dependencies.clock.now();
    const hold = isReleased ? away : (holdOf(deployment, app, now, away) ?? this.#behindCanaries(deployment));
    if (isDeepStrictEqual(hold, deployment.hold)) return hold === null;
    const message = hold === null ? endOf(deployment.hold) : describeHold(hold, app.name);
    this.#journal.hold(deployment.id, hold, message);
    return hold === null;
  }

  /**
   * The app's oldest deployment that may go on, if any, and when one of those that are held may by the clock alone.
   *
   * @param after only of those that came after this one
   */
  next(app: string, after = 0): { deployment: Deployment | undefined; opensAt: number | undefined } {
    const opens: number[] = [];
    for (const { id } of this.#journal.table.unfinishedOf(app)) {
      if (id <= after) continue;
      const deployment = this.#journal.get(id);
      if (deployment === undefined) continue;
      if (this.admit(deployment)) return { deployment, opensAt: undefined };
      const hold = this.#journal.get(id)?.hold;
      if (hold?.kind === "window") opens.push(hold.opensAt);
      if (hold?.kind === "registry" || hold?.kind === "cluster") opens.push(hold.retryAt);
      if (deployment.state === "released") break; // its definition is older than that of what comes after it
    }
    return { deployment: undefined, opensAt: opens.length === 0 ? undefined : Math.min(...opens) };
  }

  /** Journals that a deployment's canaries are healthy and wait for a person, or wait no more, and why. */
  promotion(id: number, waits: boolean, why = "promoted"): void {
    const deployment = this.#journal.get(id);
    if (deployment?.state !== "healthy" || (deployment.hold !== null) === waits) return;
    const hold: Hold | null = waits ? { kind: "promotion" } : null;
    this.#journal.hold(id, hold, hold === null ? why : describeHold(hold, deployment.app));
  }

  /** Takes note, past every crash, that a person promoted a deployment; or that this came to nothing. */
  markPromoted(id: number, isPromoted: boolean): void {
    if (isPromoted) this.#settings.set(PROMOTED + id, "1");
    else this.#settings.delete(PROMOTED + id);
  }

  /** Whether a person promoted a deployment that has not ended. */
  isPromoted(id: number): boolean {
    return this.#settings.get(PROMOTED + id) !== undefined;
  }

  /** A deployment if its canaries wait for a person. */
  waitingForPromotion(id: number): Deployment | undefined {
    const deployment = this.#journal.get(id);
    return deployment?.state === "healthy" && deployment.hold?.kind === "promotion" ? deployment : undefined;
  }

  /** The deployment of an app whose canaries wait for a person. Throws NOTHING_TO_PROMOTE, DEPLOYMENT_NOT_FOUND. */
  awaitingPromotion(app: string, id: number | undefined): Deployment {
    const waiting = this.#journal.table.unfinishedOf(app).flatMap((one) => this.waitingForPromotion(one.id) ?? []);
    const found = id === undefined ? waiting[0] : waiting.find((one) => one.id === id);
    if (found !== undefined) return found;
    throw this.#nothingWaits({ app, id, code: "NOTHING_TO_PROMOTE", operation: "promote", what: "promotion" });
  }

  /** A changed definition is deployed with what is live: that is decided when the canaries before it are promoted, or rejected. */
  #behindCanaries({ id, app, source }: Deployment): Hold | null {
    const isBefore = (other: Deployment): boolean =>
      other.id < id && other.state === "healthy" && other.hold?.kind === "promotion";
    const before = this.#journal.table.unfinishedOf(app).find(isBefore);
    return before === undefined || replacesCanaries(source, before.source)
      ? null
      : { kind: "promotion", of: before.id };
  }

  /** The deployment of an app that waits for approval: the one of that number, or the newest. Throws NOTHING_TO_APPROVE, DEPLOYMENT_NOT_FOUND. */
  awaitingApproval(name: string, id: number | undefined): Deployment {
    const app = this.#apps.get(name);
    const waiting = this.#journal.table
      .unfinishedOf(name)
      .filter((one) => app !== undefined && CAN_BE_HELD.has(one.state) && needsApproval(one, app));
    const found = id === undefined ? waiting.at(-1) : waiting.find((one) => one.id === id);
    if (found !== undefined) return found;
    throw this.#nothingWaits({ app: name, id, code: "NOTHING_TO_APPROVE", operation: "approve", what: "approval" });
  }

  #nothingWaits({ app, id, code, operation, what }: Unanswered): SteppeError {
    const subject = id === undefined ? app : `deployment ${id} of ${app}`;
    const other = id === undefined ? undefined : this.#journal.get(id);
    if (id !== undefined && other?.app !== app) {
      const cause = "there is no such deployment";
      return new SteppeError("DEPLOYMENT_NOT_FOUND", { operation, subject, cause });
    }
    const cause = other === undefined ? `nothing of it waits for ${what}` : whyNot(other, what);
    return new SteppeError(code, { operation, subject, cause });
  }
}

/** For people: what ended that a deployment waited. */
function endOf(hold: Hold | null): string {
  switch (hold?.kind) {
    case "paused":
      return "the pause has ended";
    case "window":
      return "the window is open";
    case "promotion":
      return "it is decided";
    case "registry":
      return "the registry is asked again";
    case "cluster":
      return "the cluster is asked again";
    default:
      return "waits for approval no more";
  }
}

/** What a person wanted to decide, and nothing waits for. */
interface Unanswered {
  app: string;
  id: number | undefined;
  code: "NOTHING_TO_APPROVE" | "NOTHING_TO_PROMOTE";
  operation: string;
  /** What it does not wait for. */
  what: string;
}

function whyNot(deployment: Deployment, what: string): string {
  if (deployment.finishedAt !== null) return `${subjectOf(deployment)} is ${deployment.state} already`;
  if (deployment.hold !== null)
    return `it does not wait for ${what}: it ${describeHold(deployment.hold, deployment.app)}`;
  return `it does not wait for ${what}: it is ${deployment.state}`;
}
