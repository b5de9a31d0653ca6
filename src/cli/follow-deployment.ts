import type { Deployment, DeploymentEvent } from "../api/types.ts";
import { type Backoff, backoffDelay } from "../shared/backoff.ts";
import { SteppeError } from "../shared/errors.ts";
import { describeHold } from "./app-table.ts";
import type { Context } from "./context.ts";
import { formatElapsed } from "./human.ts";
import type { Client } from "./io.ts";
import { Progress } from "./progress.ts";
import { withAppName } from "../shared/with-app-name.ts";
import { printable, type Style, styleFor } from "../shared/style.ts";

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
 * Shows what happens in a deployment until it has ended, on standard error, and then where the site is, on standard output; or until
 * it is held, and then what for: nobody waits at a terminal for a window or a person. Throws
 * the deployment's own error if it failed, DEPLOYMENT_SUPERSEDED if a newer one took its place.
 */
export async function followDeployment(
  context: Context,
  client: Client,
  deployment: Deployment,
  options: FollowOptions,
): Promise<Deployment> {
  const { ended, urls } = await new Follower(context, client, deployment, options).follow();
  if (options.print === "json") await context.printJson(ended);
  const error = deploymentError(ended);
  if (error !== undefined) throw error;
  if (options.print === "text") {
    const { clock } = context.io;
    const held = ended.hold && `deployment ${ended.id} of ${ended.app} ${describeHold(ended.hold, clock.now())}`;
    await context.print(held ?? (urls.join("\n") || `${ended.app} is live`));
  }
  return ended;
}

/** What a deployment that has ended ended with, or undefined if it is live, or held. */
function deploymentError(ended: Deployment): SteppeError | undefined {
  if (ended.state === "live" || ended.hold !== null) return undefined;
  if (ended.error !== null) return SteppeError.fromJSON(ended.error);
  const superseded = ended.state === "superseded";
  const cause = superseded ? "a newer deployment took its place" : `deployment ${ended.id} is ${ended.state}`;
  const parts = { operation: "deploy", subject: ended.app, cause };
  return withAppName(new SteppeError(superseded ? "DEPLOYMENT_SUPERSEDED" : "DEPLOYMENT_FAILED", parts), ended.app);
}

const FINAL: ReadonlySet<string> = new Set(["live", "failed", "superseded"] satisfies Deployment["state"][]);

class Follower {
  readonly #context: Context;
  readonly #client: Client;
  readonly #deployment: Deployment;
  readonly #options: FollowOptions;
  readonly #progress: Progress;
  /** The last event that was shown. */
  #seen = -1;
  #urls: readonly string[] = [];
  /** Since when the server is away, by the monotonic clock. */
  #awaySince: number | undefined;
  #failures = 0;

  constructor(context: Context, client: Client, deployment: Deployment, options: FollowOptions) {
    this.#context = context;
    this.#client = client;
    this.#deployment = deployment;
    this.#options = options;
    this.#progress = new Progress(context.io.stderr);
  }

  /** Shows the events, over breaks of the connection, until the deployment has ended or is held. */
  async follow(): Promise<{ ended: Deployment; urls: readonly string[] }> {
    const { id, app } = this.#deployment;
    const { clock, signal } = this.#context.io;
    try {
      for (;;) {
        const ended = await this.#showOnce();
        if (ended !== undefined) return { ended, urls: this.#urls };
        await clock.sleep(backoffDelay(backoff, ++this.#failures), { signal });
      }
    } catch (error) {
      if (signal.aborted) await this.#progress.line(`deployment ${id} goes on; \`steppe status ${app}\` tells of it`);
      throw error;
    } finally {
      await this.#progress.end();
    }
  }

  /** Follows until the stream ends or it is held; undefined if the deployment goes on then. */
  async #showOnce(): Promise<Deployment | undefined> {
    const { clock, signal } = this.#context.io;
    const { id } = this.#deployment;
    try {
      for await (const event of this.#client.events(id, signal)) {
        this.#awaySince = undefined;
        const isNew = await this.#take(event);
        if (!isNew || event.event !== "held") continue;
        const held = await this.#client.deployment(id);
        if (held.hold !== null) return held;
      }
      // A server that is being stopped ends its streams in good order.
      const now = await this.#client.deployment(id);
      return FINAL.has(now.state) ? now : undefined;
    } catch (error) {
      const isAway = error instanceof SteppeError && ["API_UNREACHABLE", "SHUTTING_DOWN"].includes(error.code);
      this.#awaySince ??= clock.monotonic();
      if (!isAway || clock.monotonic() - this.#awaySince > PATIENCE_MS) throw error;
      if (this.#options.print === "text") {
        await this.#progress.passing(`the server is away (${error.reason}); trying again`);
      }
      return undefined;
    }
  }

  /** Resolves with whether it was not told before the connection broke off. */
  async #take(event: DeploymentEvent): Promise<boolean> {
    if (event.seq <= this.#seen) return false;
    this.#seen = event.seq;
    this.#failures = 0;
    this.#urls = event.urls ?? this.#urls;
    if (this.#options.print !== "text") return true;
    const { stderr, env } = this.#context.io;
    await show(this.#progress, styleFor(stderr, env), event, this.#options.nameApp === true);
    return true;
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
  if (event.event === "superseded" || event.event === "held") return style.yellow;
  return event.event === "live" ? style.green : (text) => text;
}
