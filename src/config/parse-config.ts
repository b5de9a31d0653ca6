import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { SteppeError } from "../shared/errors.ts";
import type { AppDefinition } from "./app-definition.ts";
import { limits } from "./defaults.ts";
import { formatPath, type Path, type Problem } from "./problems.ts";
import { readApps } from "./read-apps.ts";

/** The content of a `steppe.yaml`. */
export interface Config {
  apps: AppDefinition[];
}

/** How often aliases (`*name`) may be followed: stops a few lines from growing into gigabytes. */
const MOST_ALIASES = 1000;
const MOST_TOLD = 50;

/**
 * Reads a `steppe.yaml`. Throws CONFIG_INVALID, whose cause is the first mistake and whose detail lists all
 * of them, each as `FILE:LINE:COLUMN: PATH MESSAGE`.
 *
 * @param text its content, YAML 1.2; merge keys (`<<`) are understood
 * @param filename what to call it in errors
 */
export function parseConfig(text: string, filename: string): Config {
  if (Buffer.byteLength(text) > limits.fileBytes) throw invalid(filename, [`${filename}: is larger than 4 MiB`]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false, stringKeys: true });
  if (document.errors.length > 0) {
    throw invalid(
      filename,
      document.errors.map((error) => `${place(filename, lines, error.pos[0])}: ${oneLine(error.message)}`),
    );
  }
  const result = readApps(plainData(document, filename));
  if ("apps" in result) return result;
  const located = result.problems.map((problem) => ({
    problem,
    offset: offsetOf(document, problem.path, problem.atKey),
  }));
  located.sort((a, b) => a.offset - b.offset);
  const told = located.map(({ problem, offset }) => describe(problem, filename, lines, offset, document));
  throw invalid(filename, told);
}

function plainData(document: Document, filename: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    // A ReferenceError: an unknown alias, or too many of them.
    throw invalid(filename, [`${filename}: ${oneLine(error instanceof Error ? error.message : String(error))}`]);
  }
}

function describe(problem: Problem, filename: string, lines: LineCounter, offset: number, document: Document): string {
  const where = place(filename, lines, offset);
  const other =
    problem.other === undefined
      ? ""
      : ` (${formatPath(problem.other)} at ${place(filename, lines, offsetOf(document, problem.other, false))})`;
  const path = formatPath(problem.path);
  return `${where}: ${path === "" ? "the file" : path} ${problem.message}${other}`;
}

function place(filename: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${filename}:${Math.max(1, line)}:${Math.max(1, col)}`;
}

/** Where in the text the value at a path is, or its key; of what is not there, the nearest thing around it. */
function offsetOf(document: Document, path: Path, atKey: boolean): number {
  let node: unknown = document.contents;
  let offset = rangeStart(node) ?? 0;
  for (const [index, step] of path.entries()) {
    const found = childOf(resolve(node, document), step, document);
    if (found === undefined) return offset;
    const last = index === path.length - 1;
    const keyOffset = rangeStart(found.key);
    const valueOffset = rangeStart(found.value);
    offset = (last && !atKey ? (valueOffset ?? keyOffset) : (keyOffset ?? valueOffset)) ?? offset;
    node = found.value;
  }
  return offset;
}

function childOf(
  node: unknown,
  step: string | number,
  document: Document,
): { key: unknown; value: unknown } | undefined {
  if (isSeq(node)) {
    const value = typeof step === "number" ? node.items[step] : undefined;
    return value === undefined ? undefined : { key: undefined, value };
  }
  if (!isMap(node)) return undefined;
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? pair.key.value : pair.key;
    if (String(key) === String(step)) return { key: pair.key, value: pair.value };
  }
  for (const pair of node.items) {
    if (!isScalar(pair.key) || (pair.key.source ?? pair.key.value) !== "<<") continue;
    const sources = isSeq(pair.value) ? pair.value.items : [pair.value];
    for (const source of sources) {
      const found = childOf(resolve(source, document), step, document);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function resolve(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function rangeStart(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

function oneLine(message: string): string {
  return message.replace(/\s+/g, " ").trim();
}

function invalid(filename: string, told: readonly string[]): SteppeError {
  const first = told[0] ?? filename;
  const more = told.length > MOST_TOLD ? [`and ${told.length - MOST_TOLD} more`] : [];
  return new SteppeError("CONFIG_INVALID", {
    operation: "read",
    subject: filename,
    cause: told.length === 1 ? first : `${first} (and ${told.length - 1} more)`,
    detail: told.length > 1 ? [...told.slice(0, MOST_TOLD), ...more].join("\n") : undefined,
  });
}
