import { expect, test } from "vitest";
import { goDuration } from "./go-duration.ts";

test.for([
  [60_000, "1m"],
  [90_000, "90s"],
  [10_000, "10s"],
  [0, "0s"],
  [1500, "1500ms"],
  [0.2, "1ms"],
] as const)("%d ms is %s", ([ms, text]) => {
  expect(goDuration(ms)).toBe(text);
});
