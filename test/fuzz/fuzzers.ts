/** A fuzzer: a file of test/fuzz/harness with what of the native host it runs. */
export interface Fuzzer {
  name: string;
  /** Files of src/site-server/native. */
  host: readonly string[];
  /** Files of the harness beside its own and those that all have. */
  harness?: readonly string[];
  /** The most bytes of an input. */
  mostBytes: number;
  /** Its part of all runs. Together they are 1. */
  share: number;
}

/** What answers a request, and logs it, but for the files. */
const REPLYING = ["address.c", "clock.c", "core.c", "log.c", "metrics.c", "options.c", "reply.c", "text.c"];

export const fuzzers: readonly Fuzzer[] = [
  {
    name: "request",
    host: [...REPLYING, "arena.c", "files.c", "root.c", "site.c", "tag.c", "walk.c"],
    mostBytes: 4096,
    share: 0.4,
  },
  { name: "index", host: REPLYING, harness: ["files.c"], mostBytes: 4096, share: 0.2 },
  { name: "headers", host: REPLYING, harness: ["files.c"], mostBytes: 2048, share: 0.1 },
  { name: "host", host: REPLYING, harness: ["files.c"], mostBytes: 2048, share: 0.3 },
];

/** Files of the harness that every fuzzer has. */
export const COMMON_HARNESS: readonly string[] = [
  "answer-next.c",
  "check-log.c",
  "check-reply.c",
  "memory.c",
  "report.c",
];
