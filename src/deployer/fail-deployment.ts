import { SteppeError, toSteppeError } from "../shared/errors.ts";
import { withAppName } from "../shared/with-app-name.ts";
import { withAgainHint } from "./again-hint.ts";
import { isClusterAway } from "./away-waits.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import { liveSpec, releaseOf } from "./release-of.ts";
import type { RunContext } from "./run-deployment.ts";
import { subjectOf } from "./subject-of.ts";
import type { Deployment } from "./types.ts";
import { unattended } from "./unattended.ts";

/**
 * Journals the end of a deployment that failed, having taken away what it placed. Rejects if it has to be taken up again. That it comes to this end is journaled before: if Steppe is told to
 * stop meanwhile, or dies, that is gone on with at the next start.
 */
export async function failDeployment(id: number, thrown: unknown, context: RunContext): Promise<void> {
  const { journal, dependencies, signal, stopping } = context;
  const { log } = dependencies;
  const deployment = journal.get(id);
  if (deployment === undefined) return;
  const { app } = deployment;
  const failure = withAppName(toSteppeError(thrown, "deploy", subjectOf(deployment)), app);
  const error = withAgainHint(failure, deployment);
  if (deployment.finishedAt !== null) {
    // It is live: only clearing up after it failed, which the next start does again.
    log.error({ app, deployment: id, err: error }, "clearing up after a deployment failed");
    return;
  }
  if (deployment.release !== null) takeNote(deployment, error, context);
  try {
    await undo(deployment, dependencies, stopping);
  } catch (undoError) {
    if (stopping.aborted) return;
    log.error({ app, deployment: id, err: undoError }, "taking away a failed release failed");
    // Its visitors may have been sent to it already, and who has them now cannot be known: it is taken up again.
    if (deployment.state === "healthy" && isClusterAway(undoError) && !isRemoved(signal)) {
      if (isClusterAway(error)) journal.ending(id, null); // nothing is wrong with itself
      throw undoError;
    }
    const { reason } = toSteppeError(undoError, "take away", subjectOf(deployment));
    journal.note(id, `what it placed could not be taken away, and is left to the next deployment of ${app}: ${reason}`);
  }
  const state = error.code === "DEPLOYMENT_SUPERSEDED" ? "superseded" : "failed";
  journal.enter(id, state, `${error.message}. ${error.hint}`, { error: error.toJSON() }, { error: error.toJSON() });
}

/** Whether the app is being removed, with whatever it has on the cluster: nobody is to wait for anything of it. */
function isRemoved({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof SteppeError && reason.code === "APP_NOT_FOUND";
}

/** What cannot be journaled, since the disk is full, is taken away all the same. */
function takeNote({ id, app }: Deployment, error: SteppeError, { journal, dependencies }: RunContext): void {
  try {
    journal.ending(id, error.toJSON());
  } catch (full) {
    dependencies.log.error({ app, deployment: id, err: full }, "that a deployment fails could not be journaled");
  }
}

/** The last good release serves, whatever had been done. */
async function undo(deployment: Deployment, dependencies: DeployerDependencies, signal: AbortSignal): Promise<void> {
  if (deployment.release === null) return;
  const { engine } = dependencies;
  const live = liveSpec(deployment.app, dependencies);
  if (live?.number !== deployment.release) await engine.abandon(releaseOf(deployment, dependencies), signal);
  if (deployment.state !== "healthy") return;
  if (live === undefined) {
    const instances = await engine.instances(deployment.app);
    const serves = instances.some(({ release, routed }) => routed && release === deployment.release);
    if (serves) await engine.remove(deployment.app, signal); // there is nothing good to go back to
  } else {
    await engine.route(live, unattended(live.app, dependencies, signal));
  }
}
