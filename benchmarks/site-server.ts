import { availableParallelism } from "node:os";
import { stderr } from "node:process";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import type { BenchmarkOptions, Report } from "./lib/report.ts";
import { type Case, cases } from "./site-server/cases.ts";
import { benchmarkContent, writeContent } from "./site-server/content.ts";
import { measure, type MeasureOptions, type Variant } from "./site-server/measure.ts";
import { measureManySites } from "./site-server/many-sites.ts";
import { measureScale } from "./site-server/scale.ts";
import { type ServerKind, serverKinds } from "./site-server/servers.ts";
import { caseTable, type Outcome, serverTable } from "./site-server/tables.ts";

const VARIANTS: readonly Variant[] = ["bare", "logged", "tls"];
const PARTS: readonly string[] = [...VARIANTS, "scale", "sites"];
/** The server and the load have a core each. */
const CORES = { serverCore: 0, loadCore: 1 };

/**
 * The site server on its two hosts beside the servers of others: round for round, and within a round case for case, all of
 * them in turn, so that whatever else the machine does hits all alike. Each is started anew for each measurement.
 */
export async function run(options: BenchmarkOptions): Promise<Report[]> {
  if (availableParallelism() < 2) throw new Error("the server and the load want a core each, and there is only one");
  using root = temporaryFolder("bench-root");
  const content = benchmarkContent();
  writeContent(root.path, content);
  const names = wanted(
    options,
    serverKinds.map(({ name }) => name),
  );
  const kinds = serverKinds.filter(({ name }) => names.has(name));
  const there = kinds.filter((kind) => kind.program() !== undefined);
  const absent = kinds.filter((kind) => !there.includes(kind)).map(({ name, from }) => `${name}: needs ${from}`);
  // A long run that lacks what it was begun for had better be told of at once.
  for (const line of absent) stderr.write(`left out: ${line}\n`);
  for (const kind of there) kind.prepare?.();
  const outcomes: Outcome[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const step of plan(options)) {
      stderr.write(`round ${round} of ${options.rounds}: ${step.variant}, ${step.wanted.name}\n`);
      const how = { variant: step.variant, seconds: options.seconds, place: { root: root.path, content, ...CORES } };
      for (const kind of there) {
        const isAble = step.variant === "bare" || kind.can.has(step.variant);
        if (isAble && kind.only?.has(step.wanted.name) !== false) outcomes.push(await attempt(kind, step.wanted, how));
      }
    }
  }
  if (outcomes.some(({ kind, remark }) => kind.ours === true && remark !== undefined)) process.exitCode = 1;
  const parts = wanted(options, PARTS);
  const scale = parts.has("scale")
    ? [
        await measureScale(
          there.filter(({ only }) => only === undefined),
          CORES,
          options,
        ),
      ]
    : [];
  const sites = parts.has("sites") ? [await measureManySites(CORES, options)] : [];
  return [...(outcomes.length === 0 ? [] : [caseTable(outcomes, absent), serverTable(outcomes)]), ...scale, ...sites];
}

/** What is measured in a round; with TLS the smallest page alone. */
function plan(options: BenchmarkOptions): Array<{ variant: Variant; wanted: Case }> {
  const parts = wanted(options, PARTS);
  const names = wanted(
    options,
    cases.map(({ name }) => name),
  );
  return VARIANTS.filter((variant) => parts.has(variant)).flatMap((variant) =>
    cases
      .filter(({ name }) => names.has(name) && (variant !== "tls" || name === cases[0]?.name))
      .map((one) => ({ variant, wanted: one })),
  );
}

/** Of a group those that `--only` names, or all if it names none of them. */
function wanted({ only }: BenchmarkOptions, group: readonly string[]): ReadonlySet<string> {
  const named = group.filter((name) => only.has(name));
  return new Set(named.length === 0 ? group : named);
}

/** A peer whose answer is wrong is left out of that case, and it is said; of ours that is a failure besides. */
async function attempt(kind: ServerKind, one: Case, how: MeasureOptions): Promise<Outcome> {
  const outcome = { kind, wanted: one, variant: how.variant };
  try {
    const measured = await measure(kind, one, how);
    if (measured !== undefined) return { ...outcome, measured };
    return { ...outcome, remark: `${kind.name}, ${one.name}: it gives no validator` };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return { ...outcome, remark: `${kind.name}, ${one.name}, ${how.variant}: ${cause.split("\n")[0]}` };
  }
}
