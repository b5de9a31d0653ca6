import { buildFuzzers, missingForFuzzers } from "../fuzz/build-fuzzers.ts";
import { fuzzers } from "../fuzz/fuzzers.ts";
import { fuzz } from "../fuzz/run-fuzzer.ts";
import type { SoakResult } from "./soak-result.ts";

const RUNS = 10_000_000;
/** Two run at a time. */
const JOBS = 2;
/** With less than the full count, all of them together take no longer than so many seconds, however many inputs that are. */
const SHORT_SECONDS = 44;

/**
 * Coverage-guided fuzzing of the core of the site server, as the native host has it, and of that host's own code: see test/fuzz/harness. At scale 1
 * ten million inputs.
 */
export async function run(scale: number): Promise<SoakResult> {
  const missing = missingForFuzzers();
  if (missing !== undefined) return { counts: {}, problems: [missing] };
  const programs = await buildFuzzers();
  const result: SoakResult = { counts: {}, problems: [] };
  // The longest first.
  const queue = fuzzers.toSorted((a, b) => b.share - a.share);
  const seconds = scale === 1 ? {} : { seconds: (SHORT_SECONDS * JOBS) / fuzzers.length };
  const job = async (): Promise<void> => {
    for (let fuzzer = queue.shift(); fuzzer !== undefined; fuzzer = queue.shift()) {
      const { runs, finding } = await fuzz(programs, fuzzer, {
        runs: Math.ceil(RUNS * fuzzer.share * scale),
        ...seconds,
      });
      result.counts[`inputs for ${fuzzer.name}`] = runs;
      if (finding !== undefined) result.problems.push(finding);
    }
  };
  await Promise.all(Array.from({ length: JOBS }, job));
  return result;
}
