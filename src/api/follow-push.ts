import type { Deployer, Deployment, DeploymentEvent } from "../deployer/index.ts";
import { type SteppeError, toSteppeError } from "../shared/errors.ts";

/**
 * Tells the person who pushed what becomes of it, line by line, until all that was queued has ended, or is held: for approval, say,
 * nobody waits at a terminal. Never rejects: what was
 * received is there, and an error is a line as well. Returns the error that kept refs from being looked at, if any.
 */
export async function followPush(
  deployer: Deployer,
  app: string,
  requestId: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<SteppeError | undefined> {
  try {
    const { queued, notes } = await deployer.refsChanged(app, requestId);
    for (const note of notes) say(note);
    if (queued.length === 0 && notes.length === 0) say("Nothing new to deploy.");
    for (const deployment of queued) await followDeployment(deployer, deployment, say, signal);
    return undefined;
  } catch (error) {
    if (signal.aborted) return undefined;
    const failure = toSteppeError(error, "deploy", app);
    say(`error: ${failure.message}`);
    say(`  ${failure.hint}`);
    return failure;
  }
}

async function followDeployment(
  deployer: Deployer,
  deployment: Deployment,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const label = labelOf(deployment);
  let hasLog = false;
  for await (const event of deployer.events(deployment.id, signal)) {
    for (const line of linesOf(event, label, hasLog)) say(line);
    hasLog ||= event.event === "log";
    if (event.event === "held" && deployer.deployment(deployment.id).hold !== null) {
      say(`  ${label} is received. \`steppe status ${deployment.app}\` tells of it.`);
      return;
    }
    if (event.event === "failed") say(`  ${whatServes(deployer, deployment.app)}`);
  }
}

/** What visitors get after a deployment that failed. */
function whatServes(deployer: Deployer, app: string): string {
  const { liveRelease } = deployer.app(app);
  return liveRelease === null ? `Nothing of ${app} is live yet.` : `Release ${liveRelease} of ${app} goes on serving.`;
}

/** @param hasLog whether the build's lines were said already, of which the detail of its error is the end */
function linesOf(event: DeploymentEvent, label: string, hasLog: boolean): string[] {
  if (event.event === "log") return [`  | ${event.message}`];
  const step = `${label}  ${seconds(event.elapsedMs).padStart(8)}`;
  const line = `${step}  ${event.message}`;
  switch (event.event) {
    case "live":
      // The message names the addresses as well; they are the last that is said, each on a line of its own.
      return event.urls === undefined ? [line] : [`${step}  live`, ...event.urls.map((url) => `  ${url}`)];
    case "failed":
    case "superseded": {
      if (event.error === undefined) return [line];
      const { operation, subject, cause, hint, detail } = event.error;
      return [
        `${step}  ${event.event}`,
        ...(detail === undefined || hasLog ? [] : detail.split("\n").map((text) => `  | ${text}`)),
        `error: ${operation} ${subject}: ${cause}`,
        `  ${hint}`,
      ];
    }
    default:
      return [line];
  }
}

function labelOf({ source, id }: Deployment): string {
  return source.kind === "ref" ? source.ref.replace(/^refs\/(?:tags|heads)\//, "") : `deployment ${id}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
