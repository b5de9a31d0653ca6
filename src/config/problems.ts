import type { core } from "zod";
import { nearest } from "../shared/nearest.ts";

export type Path = ReadonlyArray<string | number>;

/** One thing that is wrong with a document. */
export interface Problem {
  path: Path;
  /** Whether it is the key at `path` that is wrong, and not its value. */
  atKey: boolean;
  /** What is wrong, for a reader who knows the path: "has a port; leave out `:80`". */
  message: string;
  /** Where the other half of it is: the first place of a thing that is there twice. */
  other?: Path;
}

/** What is wrong with a Dockerfile of its own beside a build command: only one of them can make the image. */
export const DOCKERFILE_BESIDE_BUILD = "is there beside `build`; leave out the one that does not make the site";

/** What is wrong with saying how instances are run beside a jobspec that says it. */
export const BESIDE_JOB = "is there beside `job`, which says all of it; leave out one of the two";
export const RUN_BESIDE_JOB = "is there beside `job`, which says all of it but `promote`; leave out one of the two";
export const JOB_ALONE = "is there without `image`: which image of it is the app's";

/** The same beside a job that is not registered by Steppe, but told its image's tag. */
export const BESIDE_COMPATIBLE = "is there beside `compatible`, whose job says all of it; leave out one of the two";
export const COMPATIBLE_ALONE = "is there without `image`: whose tags are they?";

/** `["apps", "blog", "domains", 0]` as `apps.blog.domains[0]`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[\w-]{1,80}$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step.length > 80 ? `${step.slice(0, 80)}…` : step)}]`;
  }
  return text;
}

/**
 * Zod's findings as ours: unions told by the branch that was meant, each unknown key by itself, with the nearest known one.
 *
 * @param input what was parsed, to tell what is there
 * @param knownKeys the keys that the map at a path may have
 */
export function toProblems(
  issues: readonly core.$ZodIssue[],
  input: unknown,
  knownKeys: (path: Path) => readonly string[],
): Problem[] {
  return issues.flatMap((issue) => issueProblems(issue, [], input, knownKeys));
}

function issueProblems(
  issue: core.$ZodIssue,
  base: Path,
  input: unknown,
  knownKeys: (path: Path) => readonly string[],
): Problem[] {
  const path = [...base, ...issue.path.map((step) => (typeof step === "symbol" ? String(step) : step))];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...path, key], atKey: true, message: unknownKey(key, knownKeys(path)) }));
  }
  if (issue.code === "invalid_key") {
    return [{ path, atKey: true, message: issue.issues[0]?.message ?? issue.message }];
  }
  if (issue.code === "invalid_union") {
    const meant = issue.errors.filter(
      (branch) => !branch.some((inner) => inner.path.length === 0 && isWrongKind(inner)),
    );
    const branch = meant[0];
    if (branch !== undefined) return branch.flatMap((inner) => issueProblems(inner, path, input, knownKeys));
    const kinds = issue.errors.flat().flatMap((inner) => (isWrongKind(inner) ? [expectedKind(inner)] : []));
    return [{ path, atKey: false, message: wrongKind([...new Set(kinds)], path, input) }];
  }
  if (isWrongKind(issue)) {
    return [{ path, atKey: false, message: wrongKind([expectedKind(issue)], path, input) }];
  }
  return [{ path, atKey: false, message: issue.message }];
}

/** Whether a value is of another kind than was wanted. */
function isWrongKind(issue: core.$ZodIssue): boolean {
  return issue.code === "invalid_type" || issue.code === "invalid_value";
}

function expectedKind(issue: core.$ZodIssue): string {
  if (issue.code === "invalid_value") return issue.values.map(String).join(" or ");
  return issue.code === "invalid_type" ? (kindNames[issue.expected] ?? issue.expected) : "something else";
}

const kindNames: Readonly<Record<string, string>> = {
  string: "a text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a map",
  record: "a map",
  null: "null",
};

function wrongKind(expected: readonly string[], path: Path, input: unknown): string {
  const value = valueAt(input, path);
  if (value === undefined) return "is missing";
  const wanted = expected.join(" or ");
  const quotable = typeof value === "number" || typeof value === "boolean";
  const hint = quotable && wanted === "a text" ? `; write "${value}", in quotes` : "";
  // Who writes a secret where its place should be has it in the output, and so in logs, unless it is left out here.
  const said = path.includes("secrets") && typeof value === "string" ? "a text" : describe(value);
  return `is ${said} and should be ${wanted}${hint}`;
}

function describe(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "string")
    return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  return `the ${typeof value} ${JSON.stringify(value)}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return meant === undefined
    ? `is not known; known are ${known.join(", ")}`
    : `is not known; did you mean \`${meant}\`?`;
}

/** The value at a path, own properties only. */
export function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}
