import { type AppDefinition, parseDefinition } from "../config/index.ts";
import { SteppeError } from "../shared/errors.ts";

const MOST_DEFINITIONS = 10_000;
const MOST_REF = 255;

/** `{definition}`. Rejects with USAGE, CONFIG_INVALID, DOMAIN_INVALID. */
export async function parseNewApp(body: unknown): Promise<AppDefinition> {
  return parseDefinition(object(body, ["definition"])["definition"]);
}

/** `{definitions, dryRun?, prune?}`. Rejects with USAGE, CONFIG_INVALID, DOMAIN_INVALID. */
export async function parseApply(
  body: unknown,
): Promise<{ definitions: AppDefinition[]; dryRun: boolean; prune: boolean }> {
  const { definitions, dryRun = false, prune = false } = object(body, ["definitions", "dryRun", "prune"]);
  if (!Array.isArray(definitions)) throw wrong("`definitions` is no list");
  if (definitions.length > MOST_DEFINITIONS) throw wrong(`more than ${MOST_DEFINITIONS} definitions`);
  if (typeof dryRun !== "boolean") throw wrong("`dryRun` is neither true nor false");
  if (typeof prune !== "boolean") throw wrong("`prune` is neither true nor false");
  const parsed: AppDefinition[] = [];
  for (const definition of definitions as unknown[]) parsed.push(await parseDefinition(definition));
  return { definitions: parsed, dryRun, prune };
}

/** `{tag}` or `{branch}`. Throws USAGE. */
export function parseRef(body: unknown): { tag: string } | { branch: string } {
  const { tag, branch } = object(body, ["tag", "branch"]);
  if ((tag === undefined) === (branch === undefined)) throw wrong("give either `tag` or `branch`");
  return tag === undefined ? { branch: refName(branch, "branch") } : { tag: refName(tag, "tag") };
}

/** `{release?}`. Throws USAGE. */
export function parseRollback(body: unknown): number | undefined {
  if (body === undefined) return undefined;
  const { release } = object(body, ["release"]);
  if (release === undefined || release === null) return undefined;
  if (typeof release !== "number" || !Number.isSafeInteger(release) || release < 1)
    throw wrong("`release` is no number");
  return release;
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
