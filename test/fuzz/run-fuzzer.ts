import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "../../src/shared/run-command.ts";
import { siteFolder } from "../../src/site-server/test-support/site-folder.ts";
import { vectorSite } from "../../src/site-server/test-support/vectors.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import type { Fuzzer } from "./fuzzers.ts";
import { seedsOf } from "./seeds.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where an input that led to a finding is kept. */
const FINDINGS = join(root, "dist/fuzz");
const WORDS = join(root, "test/fuzz/words.dict");
/** The names that libFuzzer gives: inputs with others are kept. */
const HASH = /^[0-9a-f]{40}$/;
/** Of what is found, a corpus keeps so many inputs: the longest, which cover the most. The rest covers little more each, and is found again in seconds. */
const MOST_INPUTS = 48;
/** An input that takes longer is a finding: no request may hold up the others. */
const SLOW_SECONDS = 10;

export interface FuzzRun {
  /** Inputs that were tried. */
  runs: number;
  /** What was found, with the path of the input; undefined if nothing. */
  finding: string | undefined;
}

/** Limits of a run: it ends at whichever comes first. */
export interface FuzzLimits {
  runs: number;
  /** Seconds. */
  seconds?: number;
}

/** The folder of a fuzzer's corpus in the repository. */
export function corpusOf(fuzzer: Fuzzer): string {
  return join(root, "test/fuzz/corpus", fuzzer.name);
}

/**
 * Tries inputs: those of the corpus, the seeds, and what comes of changing them.
 *
 * @param programs what `buildFuzzers` made
 */
export async function fuzz(programs: string, fuzzer: Fuzzer, { runs, seconds }: FuzzLimits): Promise<FuzzRun> {
  using folders = inputFolders(fuzzer);
  const limits = [`-runs=${runs}`, ...(seconds === undefined ? [] : [`-max_total_time=${Math.round(seconds)}`])];
  return await run(programs, fuzzer, [...limits, `-dict=${WORDS}`, folders.found, folders.seeds, corpusOf(fuzzer)]);
}

/** Tries each seed and each input of the corpus once. */
export async function replay(programs: string, fuzzer: Fuzzer): Promise<FuzzRun> {
  using folders = inputFolders(fuzzer);
  return await run(programs, fuzzer, ["-runs=0", folders.seeds, corpusOf(fuzzer)]);
}

/**
 * Tries inputs for some time, and replaces the corpus by those inputs, of it and of what was found, that cover most beside the seeds.
 *
 * @returns how many the corpus has now
 */
export async function growCorpus(programs: string, fuzzer: Fuzzer, limits: FuzzLimits): Promise<number> {
  using folders = inputFolders(fuzzer);
  const corpus = corpusOf(fuzzer);
  mkdirSync(corpus, { recursive: true });
  await runCleanly(programs, fuzzer, [
    `-runs=${limits.runs}`,
    `-max_total_time=${limits.seconds ?? 0}`,
    `-dict=${WORDS}`,
    folders.found,
    folders.seeds,
    corpus,
  ]);
  const kept = readdirSync(corpus).filter((name) => !HASH.test(name));
  for (const name of kept) copyFileSync(join(corpus, name), join(folders.seeds, name));
  const before = new Set(readdirSync(folders.seeds));
  // What lies in the first folder stays; of the others only what covers more. Without counters, once is as good as often.
  await runCleanly(programs, fuzzer, ["-set_cover_merge=1", "-use_counters=0", folders.seeds, corpus, folders.found]);
  for (const name of readdirSync(corpus).filter((each) => HASH.test(each))) rmSync(join(corpus, name));
  const added = readdirSync(folders.seeds)
    .filter((name) => !before.has(name))
    .toSorted((a, b) => statSync(join(folders.seeds, b)).size - statSync(join(folders.seeds, a)).size)
    .slice(0, MOST_INPUTS);
  for (const name of added) copyFileSync(join(folders.seeds, name), join(corpus, name));
  return added.length;
}

interface InputFolders extends Disposable {
  /** For what is found. */
  found: string;
  seeds: string;
}

function inputFolders(fuzzer: Fuzzer): InputFolders {
  const folder = temporaryFolder(`fuzz-${fuzzer.name}`);
  const [found, seeds] = [folder.file("found"), folder.file("seeds")];
  for (const path of [found, seeds, corpusOf(fuzzer)]) mkdirSync(path, { recursive: true });
  for (const [index, seed] of seedsOf(fuzzer.name).entries()) writeFileSync(join(seeds, `seed-${index}`), seed);
  return { found, seeds, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

async function runCleanly(programs: string, fuzzer: Fuzzer, args: readonly string[]): Promise<void> {
  const { finding } = await run(programs, fuzzer, args);
  if (finding !== undefined) throw new Error(finding);
}

async function run(programs: string, fuzzer: Fuzzer, args: readonly string[]): Promise<FuzzRun> {
  using site = siteFolder(vectorSite());
  mkdirSync(FINDINGS, { recursive: true });
  const { code, stderr } = await runCommand({
    file: join(programs, fuzzer.name),
    args: [
      `-max_len=${fuzzer.mostBytes}`,
      `-timeout=${SLOW_SECONDS}`,
      "-rss_limit_mb=2048",
      "-print_final_stats=1",
      `-artifact_prefix=${FINDINGS}/${fuzzer.name}-`,
      ...args,
    ],
    cwd: site.path,
    env: { PATH: process.env["PATH"] ?? "/usr/bin", FUZZ_ROOT: site.path, ASAN_OPTIONS: "detect_leaks=0" },
  });
  const runs = Number(/^stat::number_of_executed_units: (\d+)/m.exec(stderr)?.[1] ?? 0);
  return { runs, finding: code === 0 ? undefined : findingOf(fuzzer, stderr) };
}

/** The lines that say what is wrong, where, and with which input. */
function findingOf(fuzzer: Fuzzer, stderr: string): string {
  const wanted =
    /^(?:finding: |trap |the core |.*runtime error: |.*ERROR: |.*Test unit written to |SUMMARY: )|\/(?:native|harness)\//;
  const lines = stderr.split("\n").filter((line) => wanted.test(line));
  return [`fuzzer ${fuzzer.name}:`, ...(lines.length > 0 ? lines.slice(0, 12) : stderr.split("\n").slice(-5))].join(
    "\n  ",
  );
}
