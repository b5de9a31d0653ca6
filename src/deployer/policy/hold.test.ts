import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeHold, type Hold, holdOf } from "./hold.ts";

const policy = fc.record({
  semver: fc.constant(null),
  approve: fc.boolean(),
  windows: fc.subarray(["Mon-Fri 09:00-17:00 Europe/London", "daily 22:00-02:00 UTC"]),
});
const app = fc.record({
  definition: fc.record({ policy }),
  paused: fc.option(fc.record({ since: fc.nat(), reason: fc.option(fc.string()) })),
});
const approvedAt = fc.option(fc.nat());
const time = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) });

describe("holdOf", () => {
  test("nothing that a person asked for is held", () => {
    fc.assert(
      fc.property(app, approvedAt, time, (one, approved, now) => {
        expect(holdOf({ byItself: false, approvedAt: approved }, one, now)).toBe(null);
      }),
    );
  });

  test("what came by itself goes on only unpaused, approved and within a window", () => {
    fc.assert(
      fc.property(app, approvedAt, time, (one, approved, now) => {
        const hold = holdOf({ byItself: true, approvedAt: approved }, one, now);
        const { approve, windows } = one.definition.policy;
        if (one.paused !== null) expect(hold).toEqual({ kind: "paused", ...one.paused });
        else if (approve && approved === null) expect(hold).toEqual({ kind: "approval" });
        else if (windows.length === 0) expect(hold).toBe(null);
        else if (hold !== null) {
          if (hold.kind !== "window") throw new Error(`held by ${hold.kind}`);
          expect(hold.opensAt).toBeGreaterThan(now);
          expect(holdOf({ byItself: true, approvedAt: approved }, one, hold.opensAt)).toBe(null);
          expect(holdOf({ byItself: true, approvedAt: approved }, one, hold.opensAt - 1)).toEqual(hold);
        }
      }),
    );
  });

  test("a window that cannot be read, as of a time zone that is gone, is never open", () => {
    const gone = {
      definition: { policy: { semver: null, approve: false, windows: ["daily 00:00-24:00 Mars/X"] } },
      paused: null,
    };
    expect(holdOf({ byItself: true, approvedAt: null }, gone, 5)).toEqual({
      kind: "window",
      opensAt: 5 + 86_400_000,
      zone: "UTC",
    });
  });
});

test.each<[Hold, RegExp]>([
  [{ kind: "approval" }, /^waits for approval: `steppe approve blog`/],
  [{ kind: "paused", since: 1, reason: null }, /^waits: blog is paused; `steppe resume blog` ends that$/],
  [{ kind: "paused", since: 1, reason: "why" }, /is paused \(why\);/],
  [
    { kind: "window", opensAt: Date.UTC(2026, 6, 1, 8), zone: "Europe/London" },
    /opens on Wednesday,? 1 July 2026 at 09:00, Europe\/London$/,
  ],
])("describeHold: %j", (hold, said) => {
  expect(describeHold(hold, "blog")).toMatch(said);
});
