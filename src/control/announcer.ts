import type { PlatformAddresses } from "../api/types.ts";
import type { DeploymentEvent } from "../deployer/index.ts";
import type { SteppeError } from "../shared/errors.ts";
import { printablePainted, styleFor } from "../shared/style.ts";

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** What `steppe up` says on its standard output: lines for people, or one JSON line an event. */
export interface Announcer {
  /** A deployment moved on. */
  deployment(event: DeploymentEvent): void;
  /** An ingress process ended, or was replaced. */
  ingress(message: string): void;
  ready(addresses: PlatformAddresses, version: string, elapsedMs: number): void;
  /** What a person might do next. */
  hint(message: string): void;
  failed(error: SteppeError): void;
  stopping(): void;
}

/** One JSON object a line, each with `event` and `at` (milliseconds since 1970). */
export function jsonAnnouncer(output: Output, now: () => number): Announcer {
  const say = (event: string, fields: object): void => {
    output.write(`${JSON.stringify({ event, at: now(), ...fields })}\n`);
  };
  return {
    deployment: ({ event, at: _, ...fields }) => say("deployment", { step: event, ...fields }),
    ingress: (message) => say("ingress", { message }),
    ready: (addresses, version, elapsedMs) => say("ready", { ...addresses, version, elapsedMs }),
    hint: (message) => say("hint", { message }),
    failed: (error) => say("failed", { error: error.toJSON() }),
    stopping: () => say("stopping", {}),
  };
}

/** Lines for a person; progress within a step and the lines of builds are left to `steppe deploy` and `steppe logs`. */
export function plainAnnouncer(output: Output, errors: Output, env: NodeJS.ProcessEnv): Announcer {
  const colour = styleFor(output, env);
  const errorColour = styleFor(errors, env);
  const line = (text: string): void => {
    output.write(`${printablePainted(text)}\n`); // names and build outputs are what others wrote
  };
  return {
    deployment(event) {
      if (event.event === "progress" || event.event === "log") return;
      const time = colour.dim(formatElapsed(event.elapsedMs).padStart(8));
      const message = event.event === "failed" ? colour.red(event.message) : event.message;
      line(`${time}  ${event.app.padEnd(12)} ${message}`);
      if (event.error?.detail !== undefined) line(indent(event.error.detail));
    },
    ingress: line,
    ready(addresses, version, elapsedMs) {
      line(`Steppe ${version} runs ${colour.dim(`(${formatElapsed(elapsedMs)})`)}`);
      const { http, https } = addresses;
      if (http !== null && https !== null) line(`  sites  ${colour.bold(http)}  ${colour.bold(https)}`);
      line(`  API    ${colour.bold(addresses.api)}`);
      if (addresses.webhooks !== null) line(`  hooks  ${colour.bold(addresses.webhooks)}`);
      line(`  git    ${colour.bold(`${addresses.git}APP.git`)}  (\`steppe app show APP --push-url\`)`);
    },
    hint: line,
    failed(error) {
      const detail = error.detail === undefined ? "" : `\n${indent(error.detail)}`;
      const code = errorColour.dim(`[${error.code}]`);
      const text = `${errorColour.red("error:")} ${error.message} ${code}${detail}\nhint: ${error.hint}\n`;
      errors.write(printablePainted(text));
    },
    stopping: () => line("stopping"),
  };
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, " ".repeat(10));
}

function formatElapsed(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
