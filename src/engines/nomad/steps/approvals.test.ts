import { expect, test } from "vitest";
import { Approvals } from "./approvals.ts";

test("a word is given to what waits for it, and to nothing else", () => {
  const approvals = new Approvals();
  expect(approvals.give("blog")).toBe(false);
  let given = 0;
  {
    using blog = approvals.wait("blog", () => given++);
    using shop = approvals.wait("shop", () => given++);
    expect(approvals.give("blog")).toBe(true);
    expect([blog.isGiven, shop.isGiven, given]).toEqual([true, false, 1]);
  }
  expect(approvals.give("blog")).toBe(false);
});

test("what waits since later is not ended by the end of what waited before", () => {
  const approvals = new Approvals();
  const before = approvals.wait("blog", () => {});
  const later = approvals.wait("blog", () => {});
  before[Symbol.dispose]();
  expect(approvals.give("blog")).toBe(true);
  expect([before.isGiven, later.isGiven]).toEqual([false, true]);
});
