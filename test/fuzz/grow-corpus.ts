import { argv, stdout } from "node:process";
import { buildFuzzers } from "./build-fuzzers.ts";
import { fuzzers } from "./fuzzers.ts";
import { growCorpus } from "./run-fuzzer.ts";

// `bin/steppe --run test/fuzz/grow-corpus.ts [SECONDS]`: fuzzes so long each (default 60), and writes the smallest corpus into test/fuzz/corpus.
const seconds = Number(argv[2] ?? 60);
const programs = await buildFuzzers();
for (const fuzzer of fuzzers) {
  const inputs = await growCorpus(programs, fuzzer, { runs: -1, seconds });
  stdout.write(`${fuzzer.name}: ${inputs} inputs\n`);
}
