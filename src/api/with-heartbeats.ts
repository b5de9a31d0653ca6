import type { Clock } from "../shared/clock.ts";

/**
 * The pieces as they come, and `beat` whenever none came for a while, so that what lies between does not take the stream for
 * dead. Ends when the pieces do, or the signal aborts.
 */
export async function* withHeartbeats<Piece>(
  pieces: AsyncIterable<Piece>,
  beat: Piece,
  everyMs: number,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  const iterator = pieces[Symbol.asyncIterator]();
  const aborted = new Promise<"aborted">((resolve) => {
    if (signal.aborted) resolve("aborted");
    signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
  let next = iterator.next();
  try {
    for (;;) {
      const come = new AbortController();
      const silence = clock.sleep(everyMs, { signal: come.signal, unref: true }).then(() => "silence" as const);
      silence.catch(() => {}); // aborted when something came
      const outcome = await Promise.race([next, silence, aborted]).finally(() => come.abort());
      if (outcome === "aborted") return;
      if (outcome === "silence") {
        yield beat;
        continue;
      }
      if (outcome.done === true) return;
      yield outcome.value;
      next = iterator.next();
    }
  } finally {
    next.catch(() => {}); // what fails after the end is nobody's
    // Not awaited: a generator that waits for its next piece ends only when its own signal wakes it.
    iterator.return?.().catch(() => {});
  }
}
