import { isDeepStrictEqual } from "node:util";
import { SteppeError } from "../shared/errors.ts";
import { AppTable } from "../store/index.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import type { Journal } from "./journal.ts";
import { describeHold, type Hold, holdOf, needsApproval } from "./policy/hold.ts";
import { RegistryWaits } from "./registry-waits.ts";
import { subjectOf } from "./run-deployment.ts";
import type { Deployment, DeploymentState } from "./types.ts";

/** In these nothing of a deployment is where visitors could get it: here it can be held. */
const CAN_BE_HELD: ReadonlySet<DeploymentState> = new Set(["queued", "built"]);

/**
 * What deployments that came by themselves wait for: a pause to end, a person's approval, a window, a registry that is away. It is asked anew
 * each time, of the store and the clock, so that nothing of it is lost by a crash; what is journaled is only for those who look.
 */
export class Gates {
  readonly #dependencies: DeployerDependencies;
  readonly #journal: Journal;
  readonly #apps: AppTable;
  /** Those that found their registry away. */
  readonly registries: RegistryWaits;

  constructor(dependencies: DeployerDependencies, journal: Journal) {
    this.#dependencies = dependencies;
    this.#journal = journal;
    this.#apps = new AppTable(dependencies.store);
    this.registries = new RegistryWaits(dependencies.clock);
  }

  /** Whether a deployment may go on. If what it waits for is another than was told last, that is journaled. */
  admit(deployment: Deployment): boolean {
    const app = this.#apps.get(deployment.app);
    if (app === undefined || !CAN_BE_HELD.has(deployment.state)) return true;
    const hold = holdOf(deployment, app, this.#dependencies.clock.now(), this.registries.holdOf(deployment.id));
    if (isDeepStrictEqual(hold, deployment.hold)) return hold === null;
    const message = hold === null ? endOf(deployment.hold) : describeHold(hold, app.name);
    this.#journal.hold(deployment.id, hold, message);
    return hold === null;
  }

  /** The app's oldest deployment that may go on, if any, and when one of those that are held may by the clock alone. */
  next(app: string): { deployment: Deployment | undefined; opensAt: number | undefined } {
    const opens: number[] = [];
    for (const { id } of this.#journal.table.unfinishedOf(app)) {
      const deployment = this.#journal.get(id);
      if (deployment === undefined) continue;
      if (this.admit(deployment)) return { deployment, opensAt: undefined };
      const hold = this.#journal.get(id)?.hold;
      if (hold?.kind === "window") opens.push(hold.opensAt);
      if (hold?.kind === "registry") opens.push(hold.retryAt);
    }
    return { deployment: undefined, opensAt: opens.length === 0 ? undefined : Math.min(...opens) };
  }

  /** The deployment of an app that waits for approval: the one of that number, or the newest. Throws NOTHING_TO_APPROVE, DEPLOYMENT_NOT_FOUND. */
  awaitingApproval(name: string, id: number | undefined): Deployment {
    const app = this.#apps.get(name);
    const waiting = this.#journal.table
      .unfinishedOf(name)
      .filter((one) => app !== undefined && CAN_BE_HELD.has(one.state) && needsApproval(one, app));
    const found = id === undefined ? waiting.at(-1) : waiting.find((one) => one.id === id);
    if (found !== undefined) return found;
    const other = id === undefined ? undefined : this.#journal.get(id);
    if (id !== undefined && other?.app !== name) {
      const subject = `deployment ${id} of ${name}`;
      throw new SteppeError("DEPLOYMENT_NOT_FOUND", {
        operation: "approve",
        subject,
        cause: "there is no such deployment",
      });
    }
    throw new SteppeError("NOTHING_TO_APPROVE", {
      operation: "approve",
      subject: id === undefined ? name : `deployment ${id} of ${name}`,
      cause: other === undefined ? "nothing of it waits for approval" : whyNot(other),
    });
  }
}

/** For people: what ended that a deployment waited. */
function endOf(hold: Hold | null): string {
  switch (hold?.kind) {
    case "paused":
      return "the pause has ended";
    case "window":
      return "the window is open";
    case "registry":
      return "the registry is asked again";
    default:
      return "waits for approval no more";
  }
}

function whyNot(deployment: Deployment): string {
  if (deployment.finishedAt !== null) return `${subjectOf(deployment)} is ${deployment.state} already`;
  if (deployment.hold !== null)
    return `it does not wait for approval: it ${describeHold(deployment.hold, deployment.app)}`;
  return `it does not wait for approval: it is ${deployment.state}`;
}
