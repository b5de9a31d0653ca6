import { expect, test } from "vitest";
import { LookPace } from "./look-pace.ts";

test("one who waits alone looks soon, and then more and more seldom", () => {
  using looking = new LookPace().begin();
  const waits = Array.from({ length: 8 }, () => Math.round(looking.later().ms));
  expect(waits).toEqual([50, 75, 113, 169, 253, 380, 500, 500]);
});

test("all together look no more often than once in four milliseconds, however many wait", () => {
  const pace = new LookPace();
  const many = Array.from({ length: 1000 }, () => pace.begin());
  const waits = many.map((one) => one.later().ms);
  expect([waits[0], waits[9], waits[999]]).toEqual([50, 50, 4000]);
  for (const one of many) one[Symbol.dispose]();
  // Those whom it is there for count no more, nor those who never had to wait.
  many[0]?.[Symbol.dispose]();
  using alone = pace.begin();
  expect(alone.later().ms).toBe(50);
});
