import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NomadEvent } from "./event.ts";
import { type EventBatch, EventCursor } from "./event-cursor.ts";

/** A line of the stream: what is about nothing that we know is enough here. */
function batch(index: number, ...keys: string[]): EventBatch {
  const events = keys.map((key): NomadEvent => ({
    topic: "other",
    topicName: "Job",
    type: "t",
    key,
    namespace: "default",
    index: BigInt(index),
  }));
  return { index: BigInt(index), events };
}

function taken(cursor: EventCursor, ...batches: EventBatch[]): string[] {
  return batches.flatMap((batch) => {
    const { hasGap, events } = cursor.take(batch);
    return [...(hasGap ? ["gap"] : []), ...events.map(({ key, index }) => `${index}${key}`)];
  });
}

describe("a reader of the event stream", () => {
  test("takes several events, and several lines, of one index", () => {
    expect(taken(new EventCursor(), batch(10, "a"), batch(10, "b", "c"), batch(11, "a"))).toEqual([
      "10a",
      "10b",
      "10c",
      "11a",
    ]);
  });

  test("takes the same event twice where Nomad sends it twice", () => {
    expect(taken(new EventCursor(), batch(10, "a"), batch(10, "a"))).toEqual(["10a", "10a"]);
  });

  test("takes what it had of the last index only once after a reconnection, and what it had not", () => {
    const cursor = new EventCursor();
    taken(cursor, batch(9, "z"), batch(10, "a"));
    cursor.reconnect();
    expect(cursor.isCertain).toBe(false);
    expect(taken(cursor, batch(10, "a"), batch(10, "b"), batch(10, "a"), batch(12, "c"))).toEqual([
      "10b",
      "10a",
      "12c",
    ]);
    cursor.reconnect();
    expect(taken(cursor, batch(12, "c"), batch(13, "d"))).toEqual(["13d"]);
  });

  test("knows that there is a gap when the last index does not come again", () => {
    const cursor = new EventCursor();
    taken(cursor, batch(10, "a"));
    cursor.reconnect();
    expect(taken(cursor, batch(200, "b"), batch(201, "c"))).toEqual(["gap", "200b", "201c"]);
  });

  test("knows that there is a gap when the last index comes again, and what was of it does not", () => {
    const cursor = new EventCursor();
    taken(cursor, batch(10, "a", "b"));
    cursor.reconnect();
    expect(taken(cursor, batch(10, "a", "c"))).toEqual(["10c"]);
    expect(cursor.isCertain).toBe(false);
    expect(taken(cursor, batch(11, "d"))).toEqual(["gap", "11d"]);
    expect(cursor.isCertain).toBe(true);
  });

  test("knows that the servers began anew when an index is lower, also in the middle", () => {
    const cursor = new EventCursor();
    taken(cursor, batch(10, "a"));
    cursor.reconnect();
    expect(taken(cursor, batch(3, "b"), batch(4, "c"))).toEqual(["gap", "3b", "4c"]);
    expect(taken(cursor, batch(2, "d"))).toEqual(["gap", "2d"]);
  });

  test("tells no gap twice once it was told", () => {
    const cursor = new EventCursor();
    taken(cursor, batch(10, "a"));
    cursor.reconnect();
    cursor.settle();
    expect(taken(cursor, batch(12, "b"))).toEqual(["12b"]);
  });

  test("over connections that break off anywhere, has each event of the log once and in its order, and never a gap", () => {
    const log = fc.array(
      fc.record({
        step: fc.constantFrom(0, 0, 1, 3),
        keys: fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 }),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(log, fc.array(fc.nat(8), { maxLength: 20 }), (steps, connections) => {
        let index = 1;
        const lines = steps.map(({ step, keys }) => batch((index += step), ...keys));
        const cursor = new EventCursor();
        const found: string[] = [];
        for (const length of [...connections, lines.length]) {
          const last = cursor.last;
          if (last !== undefined) cursor.reconnect();
          const from = last === undefined ? 0 : lines.findIndex((line) => line.index === last);
          found.push(...taken(cursor, ...lines.slice(from, from + length)));
        }
        expect(found).toEqual(lines.flatMap(({ index, events }) => events.map(({ key }) => `${index}${key}`)));
      }),
    );
  });
});
