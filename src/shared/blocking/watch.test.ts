import { describe, expect, test } from "vitest";
import { FakeClock } from "../clock.ts";
import { type BlockingQuery, type Snapshot, watch, type WatchOptions } from "./watch.ts";

type Answer = Snapshot<string> | Error | "never";

/** A watch of a server that gives these answers one after another, and then none. */
function watching(answers: Answer[], options: Partial<WatchOptions<string>> = {}) {
  const clock = new FakeClock();
  const asked: bigint[] = [];
  const failures: number[] = [];
  const stop = new AbortController();
  const query: BlockingQuery<string> = ({ index, signal }) => {
    asked.push(index);
    const answer = answers.shift() ?? "never";
    if (answer instanceof Error) return Promise.reject(answer);
    return answer === "never" ? aborted(signal) : Promise.resolve(answer);
  };
  const onFailure = (_: unknown, count: number): boolean => {
    failures.push(count);
    return true;
  };
  const values = watch(query, { clock, random: () => 0.5, signal: stop.signal, onFailure, ...options });
  return { clock, asked, failures, stop, values, seen: collecting(values) };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
}

/** Reads on and on; what came so far is in `values`. */
function collecting(watched: AsyncIterable<Snapshot<string>>) {
  const values: string[] = [];
  const end = (async () => {
    for await (const { value } of watched) values.push(value);
  })();
  end.catch(() => {}); // looked at by the tests that end it
  return { values, end };
}

const at = (index: bigint | undefined, value: string): Snapshot<string> => ({ index, value });

describe("a watch", () => {
  test("begins without an index, and asks for what is newer than the answer before", async () => {
    const { clock, asked, seen } = watching([at(5n, "a"), at(9n, "b"), at(18446744073709551615n, "c")]);
    await clock.advance(0);
    expect(seen.values).toEqual(["a", "b", "c"]);
    expect(asked).toEqual([0n, 5n, 9n, 18446744073709551615n]);
  });

  test("says nothing of a wait that ended, nor of a change that was of something else", async () => {
    const { clock, asked, seen } = watching([at(5n, "a"), at(5n, "a"), at(7n, "a"), at(8n, "b")]);
    await clock.advance(0);
    expect(seen.values).toEqual(["a", "b"]);
    expect(asked).toEqual([0n, 5n, 5n, 7n, 8n]);
  });

  test("says what is the same as the caller sees it", async () => {
    const isSame = (before: string, after: string): boolean => before.at(0) === after.at(0);
    const { clock, seen } = watching([at(1n, "a1"), at(2n, "a2"), at(3n, "b")], { isSame });
    await clock.advance(0);
    expect(seen.values).toEqual(["a1", "b"]);
  });

  test.each([4n, 0n, undefined])("begins again when the index goes down to %s", async (index) => {
    const { clock, asked, seen } = watching([at(5n, "a"), at(index, "b"), at(2n, "b"), at(3n, "c")]);
    await clock.advance(0);
    expect(seen.values).toEqual(["a", "b", "c"]);
    expect(asked).toEqual([0n, 5n, 0n, 2n, 3n]);
  });

  test("goes on after failures, with growing pauses, and without the index that it had", async () => {
    const gone = new Error("gone");
    const { clock, asked, failures, seen } = watching([at(5n, "a"), gone, gone, gone, at(1n, "a"), at(2n, "b"), gone]);
    await clock.advance(0);
    await clock.advance(249);
    expect(asked).toEqual([0n, 5n]);
    await clock.advance(1);
    expect(asked).toEqual([0n, 5n, 0n]);
    await clock.advance(500 + 1000);
    expect(seen.values).toEqual(["a", "b"]);
    expect(asked).toEqual([0n, 5n, 0n, 0n, 0n, 1n, 2n]);
    expect(failures).toEqual([1, 2, 3, 1]);
  });

  test("ends with a failure that is not to be waited for", async () => {
    const { seen } = watching([at(5n, "a"), new Error("denied")], { onFailure: () => false });
    await expect(seen.end).rejects.toThrow("denied");
  });

  test("ends with the signal, in whatever it is", async () => {
    const blocked = watching([at(5n, "a")]);
    await blocked.clock.advance(0);
    blocked.stop.abort(new Error("enough"));
    await expect(blocked.seen.end).rejects.toThrow("enough");

    const pausing = watching([new Error("gone")]);
    await pausing.clock.advance(0);
    pausing.stop.abort(new Error("enough"));
    await expect(pausing.seen.end).rejects.toThrow("enough");
    expect({ failures: pausing.failures, sleeping: pausing.clock.sleeping }).toEqual({ failures: [1], sleeping: 0 });

    const late = AbortSignal.abort(new Error("too late"));
    const never = watching([at(5n, "a")], { signal: late });
    await expect(never.seen.end).rejects.toThrow("too late");
    expect(never.asked).toEqual([]);
  });

  test("does not spin, whatever it is answered", async () => {
    const moving = Array.from({ length: 1000 }, (_, turn) => at(BigInt(turn + 1), `${turn}`));
    const without = Array.from({ length: 1000 }, () => at(undefined, "a"));
    const swinging = Array.from({ length: 1000 }, (_, turn) => at(turn % 2 === 0 ? 9n : 0n, "a"));
    const same = Array.from({ length: 1000 }, () => at(9n, "a"));
    for (const answers of [moving, without, swinging, same]) {
      const { clock, asked } = watching(answers);
      await clock.advance(0);
      expect(asked.length).toBeLessThanOrEqual(10);
      await clock.advance(10_000);
      expect(asked.length).toBeGreaterThan(50);
      expect(asked.length).toBeLessThanOrEqual(10 + 50);
    }
  });

  test("of who is slow misses what was in between, and asks only when he wants the next", async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    let state = 0n;
    let asked = 0;
    const query: BlockingQuery<string> = async () => {
      asked++;
      return at(++state, `v${state}`);
    };
    const values = watch(query, { clock, signal: stop.signal, onFailure: () => true });
    expect((await values.next()).value).toEqual(at(1n, "v1"));
    state = 40n;
    await clock.advance(60_000);
    expect(asked).toBe(1);
    expect((await values.next()).value).toEqual(at(41n, "v41"));
    await values.return(undefined as never);
    expect(asked).toBe(2);
  });
});
