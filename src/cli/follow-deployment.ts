import type { Deployment, DeploymentEvent } from "../api/types.ts";
import { type Backoff, backoffDelay } from "../shared/backoff.ts";
import { SteppeError } from "../shared/errors.ts";
import type { Context } from "./context.ts";
import { formatElapsed } from "./human.ts";
import type { Client } from "./io.ts";
import { Progress } from "./progress.ts";
import { printable, type Style, styleFor } from "./style.ts";

/** Control may be restarted while a deployment runs, and goes on with it: so long is it looked for again. */
const PATIENCE_MS = 60_000;
const backoff: Backoff = { first: 200, most: 3000 };

export interface FollowOptions {
  /** `text`: what happens, and where the site is. `json`: the Deployment when it has ended. */
  print: "text" | "json" | "nothing";
  /** Whether to name the app in each line. */
  nameApp?: boolean;
}

/**
 * Shows what happens in a deployment until it has ended, on standard error, and then where the site is, on standard output. Throws
 * the deployment's own error if it failed, DEPLOYMENT_SUPERSEDED if a newer one took its place.
 */
export async function followDeployment(
  context: Context,
  client: Client,
  deployment: Deployment,
  options: FollowOptions,
): Promise<Deployment> {
  const urls = await showEvents(context, client, deployment, options);
  const ended = await client.deployment(deployment.id);
  if (options.print === "json") await context.printJson(ended);
  const error = deploymentError(ended);
  if (error !== undefined) throw error;
  if (options.print === "text") await context.print(urls.join("\n") || `${ended.app} is live`);
  return ended;
}

/** What a deployment that has ended ended with, or undefined if it is live. */
export function deploymentError(ended: Deployment): SteppeError | undefined {
  if (ended.state === "live") return undefined;
  if (ended.error !== null) return SteppeError.fromJSON(ended.error);
  const superseded = ended.state === "superseded";
  return new SteppeError(superseded ? "DEPLOYMENT_SUPERSEDED" : "DEPLOYMENT_FAILED", {
    operation: "deploy",
    subject: ended.app,
    cause: superseded ? "a newer deployment took its place" : `deployment ${ended.id} is ${ended.state}`,
  });
}

/** Returns where the site is. */
async function showEvents(
  context: Context,
  client: Client,
  { id, app }: Deployment,
  options: FollowOptions,
): Promise<readonly string[]> {
  const { clock, signal, stderr, env } = context.io;
  const progress = new Progress(stderr);
  const style = styleFor(stderr, env);
  let seen = 0;
  let urls: readonly string[] = [];
  let lastWord = clock.monotonic();
  try {
    for (let failures = 1; ; failures++) {
      try {
        for await (const event of client.events(id, signal)) {
          lastWord = clock.monotonic();
          failures = 0;
          if (event.seq <= seen && seen > 0) continue; // told before the connection broke off
          seen = event.seq;
          urls = event.urls ?? urls;
          if (options.print === "text") await show(progress, style, event, options.nameApp === true);
        }
        return urls;
      } catch (error) {
        const broken = error instanceof SteppeError && ["API_UNREACHABLE", "SHUTTING_DOWN"].includes(error.code);
        if (!broken || clock.monotonic() - lastWord > PATIENCE_MS) throw error;
        if (options.print === "text") await progress.passing(`the server is away (${error.reason}); trying again`);
        await clock.sleep(backoffDelay(backoff, failures), { signal });
      }
    }
  } catch (error) {
    if (signal.aborted) {
      await progress.line(`deployment ${id} goes on; \`steppe status ${app}\` tells of it`);
    }
    throw error;
  } finally {
    await progress.end();
  }
}

async function show(progress: Progress, style: Style, event: DeploymentEvent, nameApp: boolean): Promise<void> {
  const time = formatElapsed(event.elapsedMs).padStart(9);
  const message = printable(event.message.trimEnd());
  const app = nameApp ? `${event.app}  ` : "";
  if (event.event === "log") await progress.passing(`${" ".repeat(9)}  | ${app}${message}`);
  else if (event.event === "progress") await progress.passing(`${time}  ${app}${message}`);
  else await progress.line(`${style.dim(time)}  ${app}${paint(style, event)(message)}`);
}

function paint(style: Style, event: DeploymentEvent): (text: string) => string {
  if (event.event === "failed") return style.red;
  if (event.event === "superseded") return style.yellow;
  return event.event === "live" ? style.green : (text) => text;
}
