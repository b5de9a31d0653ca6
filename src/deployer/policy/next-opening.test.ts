import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseWindow, type Window } from "../../config/index.ts";
import { nextOpening } from "./next-opening.ts";

const MINUTE = 60_000;

function windowOf(text: string): Window {
  const parsed = parseWindow(text);
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed.value;
}

function opening(now: string, ...windows: string[]): string | undefined {
  const next = nextOpening(windows.map(windowOf), Date.parse(now));
  return next && new Date(next.at).toISOString().replace(":00.000Z", "Z");
}

// 2026: clocks in London go forward on 29 March at 01:00 UTC, and back on 25 October at 01:00 UTC.
describe("a window opens", () => {
  test.each([
    ["at once, if it is open", "2026-11-24T10:30Z", "Mon-Fri 09:00-17:00 Europe/London", "2026-11-24T10:30Z"],
    ["at its first minute", "2026-11-24T08:59Z", "Mon-Fri 09:00-17:00 Europe/London", "2026-11-24T09:00Z"],
    ["not any more in its last one", "2026-11-24T17:00Z", "Mon-Fri 09:00-17:00 Europe/London", "2026-11-25T09:00Z"],
    ["after the weekend", "2026-11-27T17:00Z", "Mon-Fri 09:00-17:00 Europe/London", "2026-11-30T09:00Z"],
    ["an hour earlier in summer", "2026-07-01T00:00Z", "daily 09:00-17:00 Europe/London", "2026-07-01T08:00Z"],
    ["in its own zone", "2026-11-24T10:00Z", "daily 09:00-17:00 Asia/Kolkata", "2026-11-24T10:00Z"],
    ["and goes on after midnight", "2026-11-29T01:59Z", "Sat 22:00-02:00 UTC", "2026-11-29T01:59Z"],
    ["on the day on which it begins", "2026-11-29T02:00Z", "Sat 22:00-02:00 UTC", "2026-12-05T22:00Z"],
    ["on Sunday into Monday", "2026-11-30T00:30Z", "Sun 23:00-01:00 UTC", "2026-11-30T00:30Z"],
    ["for a whole day", "2026-11-29T00:00Z", "Mon 00:00-24:00 UTC", "2026-11-30T00:00Z"],
    ["when clocks leave out its beginning", "2026-03-29T00:30Z", "Sun 01:30-03:00 Europe/London", "2026-03-29T01:00Z"],
    ["a week later if they leave out all", "2026-03-29T00:30Z", "Sun 01:15-01:45 Europe/London", "2026-04-05T00:15Z"],
    ["and is open when they show it again", "2026-10-25T01:10Z", "Sun 01:00-01:30 Europe/London", "2026-10-25T01:10Z"],
    ["again when clocks go back to it", "2026-10-25T00:40Z", "Sun 00:30-01:30 Europe/London", "2026-10-25T01:00Z"],
  ])("%s", (_, now, window, expected) => {
    expect(opening(now, window)).toBe(expected);
  });

  test("whichever is first of several", () => {
    const both = ["Mon 09:00-10:00 UTC", "Wed 09:00-10:00 Asia/Tokyo"];
    expect(opening("2026-11-24T00:00Z", ...both)).toBe("2026-11-25T00:00Z");
    expect(opening("2026-11-26T00:00Z", ...both)).toBe("2026-11-30T09:00Z");
    expect(nextOpening(both.map(windowOf), Date.parse("2026-11-24T00:00Z"))?.zone).toBe("Asia/Tokyo");
    expect(opening("2026-11-26T00:00Z")).toBeUndefined();
  });
});

const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const formats = new Map<string, Intl.DateTimeFormat>();

/** By the words of a clock: another way than that of the code. */
function isOpen({ days: on, from, to, zone }: Window, at: number): boolean {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", hour: "2-digit", minute: "2-digit" });
  formats.set(zone, format);
  const [, weekday = "", hours, minutes] = /^(\w{3})\W+(\d\d):(\d\d)$/.exec(format.format(at)) ?? [];
  const day = days.indexOf(weekday);
  const time = Number(hours) * 60 + Number(minutes);
  if (to > from) return on.has(day) && time >= from && time < to;
  return (on.has(day) && time >= from) || (on.has((day + 6) % 7) && time < to);
}

const zones = ["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"];
const changes = [
  "2026-03-08T07:00Z",
  "2026-03-29T01:00Z",
  "2026-04-04T15:00Z",
  "2026-10-25T01:00Z",
  "2026-11-01T06:00Z",
];

test("at the first minute, and no earlier, at which a clock there shows a time within it", () => {
  const window = fc
    .record({
      days: fc.uniqueArray(fc.nat(6), { minLength: 1 }).map((list) => new Set(list)),
      from: fc.oneof(fc.nat(1439), fc.integer({ min: 0, max: 180 })),
      to: fc.oneof(fc.integer({ min: 1, max: 1440 }), fc.integer({ min: 1, max: 240 })),
      zone: fc.constantFrom(...zones),
    })
    .filter(({ from, to }) => from !== to);
  const time = fc.tuple(fc.constantFrom(...changes), fc.integer({ min: -3000, max: 300 }));
  fc.assert(
    fc.property(window, time, (one, [change, minutes]) => {
      const now = Date.parse(change) + minutes * MINUTE;
      const at = nextOpening([one], now)?.at ?? Number.NaN;
      expect(at % MINUTE).toBe(0);
      expect(isOpen(one, at)).toBe(true);
      for (let before = now; before < at; before += MINUTE) {
        if (isOpen(one, before)) expect.fail(`open at ${new Date(before).toISOString()} already`);
      }
    }),
    { numRuns: 150 },
  );
});
