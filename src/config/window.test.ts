import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatWindow, parseWindow } from "./window.ts";

function problemOf(text: string): string {
  const parsed = parseWindow(text);
  return "problem" in parsed ? parsed.problem : "none";
}

describe("parseWindow", () => {
  test.each([
    ["Mon-Fri 09:00-17:00 Europe/London", "Mon-Fri 09:00-17:00 Europe/London"],
    ["  mon,TUE,wed   9:00-17:30  UTC ", "Mon-Wed 09:00-17:30 UTC"],
    ["Fri-Mon 22:00-02:00 Asia/Kolkata", "Mon,Fri-Sun 22:00-02:00 Asia/Kolkata"],
    ["Daily 0:00-24:00 UTC", "daily 00:00-24:00 UTC"],
    ["Mon-Sun 18:00-0:00 UTC", "daily 18:00-24:00 UTC"],
    ["Sat 01:00-02:00 Etc/GMT+5", "Sat 01:00-02:00 Etc/GMT+5"],
    ["Sun,Mon 01:00-02:00 UTC", "Mon,Sun 01:00-02:00 UTC"],
  ])("%j is %j", (text, normal) => {
    const parsed = parseWindow(text);
    expect("value" in parsed ? formatWindow(parsed.value) : parsed).toBe(normal);
  });

  test.each([
    ["", /^is no window; write `Mon-Fri 09:00-17:00 Europe\/London`$/],
    ["Mon-Fri", /^is no window/],
    ["Mon-Fri 09:00-17:00", /^names no time zone/],
    ["Mon-Fri 09:00-17:00 Europe/London now", /^is no window/],
    ["Mo-Fr 09:00-17:00 UTC", /^has the day `Mo-Fr`, which is none; write Mon, /],
    ["Mon-Tue-Wed 09:00-17:00 UTC", /^has the day `Mon-Tue-Wed`/],
    ["Mon, 09:00-17:00 UTC", /^has the day ``/],
    ["Mon 9-17 UTC", /^has the times `9-17`, which are none/],
    ["Mon 09:60-17:00 UTC", /^has the times/],
    ["Mon 24:00-25:00 UTC", /^has the times/],
    ["Mon 24:00-12:00 UTC", /^has the times/],
    ["Mon 09:00-09:00 UTC", /^ends when it begins; a whole day is `00:00-24:00`$/],
    ["Mon 09:00-17:00 Mars/Olympus", /^has the time zone `Mars\/Olympus`, which is not known/],
    ["Mon 09:00-17:00 +01:00", /^has the time zone `\+01:00`/],
  ])("%j is refused", (text, problem) => {
    expect(problemOf(text)).toMatch(problem);
  });

  test("what it says is read back as the same", () => {
    const window = fc.record({
      days: fc.uniqueArray(fc.nat(6), { minLength: 1 }).map((days) => new Set(days.sort())),
      from: fc.nat(1439),
      to: fc.integer({ min: 1, max: 1440 }),
      zone: fc.constantFrom("UTC", "Europe/London", "America/St_Johns"),
    });
    fc.assert(
      fc.property(window, (value) => {
        fc.pre(value.from !== value.to);
        expect(parseWindow(formatWindow(value))).toEqual({ value });
      }),
    );
  });

  test("whatever the text, it is read or refused", () => {
    fc.assert(fc.property(fc.string(), (text) => problemOf(text) !== ""));
  });
});
