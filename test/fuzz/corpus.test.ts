import { beforeAll, expect, test } from "vitest";
import { buildFuzzers, missingForFuzzers } from "./build-fuzzers.ts";
import { fuzzers } from "./fuzzers.ts";
import { replay } from "./run-fuzzer.ts";

const missing = missingForFuzzers();
let programs: string;

beforeAll(async () => {
  if (missing === undefined) programs = await buildFuzzers();
}, 300_000);

for (const fuzzer of fuzzers) {
  test(`${fuzzer.name}: the corpus and the seeds lead to no finding`, { timeout: 120_000 }, async (context) => {
    if (missing !== undefined) context.skip(missing);
    const { runs, finding } = await replay(programs, fuzzer);
    expect(finding).toBeUndefined();
    expect(runs).toBeGreaterThan(10);
  });
}
