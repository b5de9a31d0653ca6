import { expect, test } from "vitest";
import { LookPace } from "./look-pace.ts";

test("one who waits alone looks soon, and then more and more seldom", () => {
  using looking = new LookPace().begin();
  const waits = Array.from({ length: 8 }, () => Math.round(looking.later().ms));
  expect(waits).toEqual([50, 75, 113, 169, 253, 380, 500, 500]);
});

test("together they look a hundred times a second, and more only where each would look too seldom", () => {
  const pace = new LookPace();
  const many = Array.from({ length: 1000 }, () => pace.begin());
  const waits = many.map((one) => one.later().ms);
  expect([waits[0], waits[4], waits[99], waits[999]]).toEqual([50, 50, 1000, 5000]);
  for (const one of many) one[Symbol.dispose]();
  // Those whom it is there for count no more, nor those who never had to wait.
  many[0]?.[Symbol.dispose]();
  using alone = pace.begin();
  expect(alone.later().ms).toBe(50);
});
