import type { Clock } from "../shared/clock.ts";

/** What `orLate` yields when the time is over. */
export const LATE = Symbol("late");

/**
 * Yields what comes, and in between LATE, once, when the time is over.
 *
 * @param ms milliseconds from the beginning; undefined: never
 */
export async function* orLate<Value>(
  values: AsyncGenerator<Value, void, void>,
  clock: Clock,
  ms: number | undefined,
): AsyncGenerator<Value | typeof LATE, void, void> {
  const over = new AbortController();
  let late = ms === undefined ? undefined : lateAfter(clock, ms, over.signal);
  let next = values.next();
  try {
    for (;;) {
      const result = await (late === undefined ? next : Promise.race([next, late]));
      if (result === LATE) {
        late = undefined;
        yield LATE;
      } else if (result.done === true) {
        return;
      } else {
        yield result.value;
        next = values.next();
      }
    }
  } finally {
    over.abort();
    // What is still awaited fails when its connection is disposed of: nobody wants to know.
    next.catch(() => {});
  }
}

async function lateAfter(clock: Clock, ms: number, signal: AbortSignal): Promise<typeof LATE> {
  try {
    await clock.sleep(ms, { signal, unref: true });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return LATE;
}
