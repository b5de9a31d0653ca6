import { type AppDefinition, parseDefinition } from "../config/index.ts";
import { SteppeError } from "../shared/errors.ts";
import type { NewWebhook, Rotation } from "../webhooks/index.ts";
import type { AdoptRequest } from "./types.ts";

const MOST_DEFINITIONS = 10_000;
const MOST_REF = 255;
const MOST_TEXT = 300;
/** Ninety days: for so long a webhook's old secret may hold on. */
const MOST_KEPT_MS = 90 * 24 * 60 * 60_000;
const MOST_REASON = 500;

/** `{definition}`. Rejects with USAGE, CONFIG_INVALID, DOMAIN_INVALID. */
export async function parseNewApp(body: unknown): Promise<AppDefinition> {
  return parseDefinition(object(body, ["definition"])["definition"]);
}

/** `{definitions, dryRun?, prune?}`. Rejects with USAGE, CONFIG_INVALID, DOMAIN_INVALID. */
export async function parseApply(
  body: unknown,
): Promise<{ definitions: AppDefinition[]; dryRun: boolean; prune: boolean }> {
  const { definitions, dryRun, prune } = object(body, ["definitions", "dryRun", "prune"]);
  if (!Array.isArray(definitions)) throw wrong("`definitions` is no list");
  if (definitions.length > MOST_DEFINITIONS) throw wrong(`more than ${MOST_DEFINITIONS} definitions`);
  const flags = { dryRun: flag(dryRun, "dryRun"), prune: flag(prune, "prune") };
  const parsed: AppDefinition[] = [];
  for (const definition of definitions as unknown[]) parsed.push(await parseDefinition(definition));
  return { definitions: parsed, ...flags };
}

/** `{tag, noGrace?}`, `{branch, noGrace?}` or `{image, noGrace?}`. Throws USAGE. */
export function parseDeploy(body: unknown): {
  what: { tag: string } | { branch: string } | { image: string };
  noGrace: boolean;
} {
  const { tag, branch, image, noGrace } = object(body, ["tag", "branch", "image", "noGrace"]);
  const given = [tag, branch, image].filter((value) => value !== undefined);
  if (given.length !== 1) throw wrong("give one of `tag`, `branch` and `image`");
  return { what: whatToDeploy(tag, branch, image), noGrace: flag(noGrace, "noGrace") };
}

function whatToDeploy(tag: unknown, branch: unknown, image: unknown) {
  if (tag !== undefined) return { tag: refName(tag, "tag") };
  if (branch !== undefined) return { branch: refName(branch, "branch") };
  if (typeof image !== "string") throw wrong("`image` is no text");
  return { image };
}

/** `{release?, noGrace?}`. Throws USAGE. */
export function parseRollback(body: unknown): { release: number | undefined; noGrace: boolean } {
  if (body === undefined) return { release: undefined, noGrace: false };
  const { release = null, noGrace } = object(body, ["release", "noGrace"]);
  if (release !== null && (typeof release !== "number" || !Number.isSafeInteger(release) || release < 1))
    throw wrong("`release` is no number");
  return { release: release ?? undefined, noGrace: flag(noGrace, "noGrace") };
}

/** `{reference}` of an image; what it may be the registry's client knows. Throws USAGE. */
export function parseReferenceBody(body: unknown): { reference: string } {
  return { reference: text(object(body, ["reference"])["reference"], "reference") };
}

/** `{digest, reference}`. Throws USAGE. */
export function parseImagePush(body: unknown): { digest: string; reference: string } {
  const { digest, reference } = object(body, ["digest", "reference"]);
  return { digest: text(digest, "digest"), reference: text(reference, "reference") };
}

/** `{name, sender, secret?, callback?}`; what they may be the webhooks know. Throws USAGE. */
export function parseNewWebhook(body: unknown): NewWebhook {
  const { name, sender, secret, callback } = object(body, ["name", "sender", "secret", "callback"]);
  return {
    name: text(name, "name"),
    sender: text(sender, "sender"),
    secret: optionalSecret(secret),
    callback: flag(callback, "callback"),
  };
}

/** `{keepMs, secret?}`. Throws USAGE. */
export function parseRotation(body: unknown): Rotation {
  const { keepMs, secret } = object(body, ["keepMs", "secret"]);
  const isTime = typeof keepMs === "number" && Number.isSafeInteger(keepMs) && keepMs >= 0 && keepMs <= MOST_KEPT_MS;
  if (!isTime) throw wrong(`\`keepMs\` is a whole number from 0 to ${MOST_KEPT_MS}`);
  return { keepMs, secret: optionalSecret(secret) };
}

/** `{deployment?}`, or nothing. Throws USAGE. */
export function parseApproval(body: unknown): number | undefined {
  if (body === undefined) return undefined;
  const { deployment = null } = object(body, ["deployment"]);
  if (deployment === null) return undefined;
  if (typeof deployment === "number" && Number.isSafeInteger(deployment) && deployment > 0) return deployment;
  throw wrong("`deployment` is no number");
}

/** `{job, app?, domains?, take?}`; what they may be the cluster knows. Throws USAGE. */
export function parseAdoption(body: unknown): AdoptRequest {
  const { job, app, domains, take } = object(body, ["job", "app", "domains", "take"]);
  if (take !== undefined && take !== "mark" && take !== "add") throw wrong("`take` is `mark` or `add`");
  if (domains !== undefined && !Array.isArray(domains)) throw wrong("`domains` is no list");
  return {
    job: text(job, "job"),
    ...(app === undefined ? {} : { app: text(app, "app") }),
    ...(domains === undefined ? {} : { domains: (domains as unknown[]).map((domain) => text(domain, "domains")) }),
    ...(take === undefined ? {} : { take }),
  };
}

/** `{reason?}`, or nothing: why an app is paused, one line, or null. Throws USAGE. */
export function parsePause(body: unknown): string | null {
  if (body === undefined) return null;
  const { reason = null } = object(body, ["reason"]);
  if (reason === null) return null;
  if (typeof reason !== "string" || /[\0-\x1f\x7f]/.test(reason)) throw wrong("`reason` is no line of text");
  if (reason.length > MOST_REASON) throw wrong(`\`reason\` is longer than ${MOST_REASON} characters`);
  return reason.trim() === "" ? null : reason.trim();
}

/** A whole number of a query or a path. Throws USAGE. */
export function parseCount(text: string | null, name: string, most: number): number | undefined {
  if (text === null) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > most) throw wrong(`\`${name}\` is a whole number from 1 to ${most}`);
  return value;
}

/** `1`, `true` or empty are yes. Throws USAGE. */
export function parseFlag(text: string | null, name: string): boolean {
  if (text === null || text === "0" || text === "false") return false;
  if (text === "1" || text === "true" || text === "") return true;
  throw wrong(`\`${name}\` is 1 or 0`);
}

/** Absent is false. */
function flag(value: unknown, name: string): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  throw wrong(`\`${name}\` is neither true nor false`);
}

function text(value: unknown, name: string): string {
  if (typeof value === "string" && value !== "" && value.length <= MOST_TEXT) return value;
  throw wrong(`\`${name}\` is no text of 1 to ${MOST_TEXT} characters`);
}

/** Null counts as absent; an empty one does not. */
function optionalSecret(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : text(value, "secret");
}

function refName(value: unknown, kind: string): string {
  const isName = typeof value === "string" && value !== "" && value.length <= MOST_REF && !/[\0-\x20\x7f]/.test(value);
  if (!isName || value.startsWith("-")) throw wrong(`\`${kind}\` is no name of a ${kind}`);
  return value;
}

function object(body: unknown, keys: readonly string[]): Record<string, unknown> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw wrong("the body is no JSON object");
  const unknown = Object.keys(body).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw wrong(`\`${unknown.slice(0, 40)}\` is not known; known are ${keys.join(", ")}`);
  return body as Record<string, unknown>;
}

function wrong(cause: string): SteppeError {
  return new SteppeError("USAGE", { operation: "read", subject: "the request", cause, hint: "Correct the request." });
}
