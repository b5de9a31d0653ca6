import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

test.each([
  ["domain", ["domains", "build"], "domains"],
  ["bulid", ["build", "folder"], "build"],
  ["depoly", ["deploy", "releases"], "deploy"],
  ["DOMAINS", ["domains"], "domains"],
  ["blgo", ["blog"], "blog"],
  ["nope", ["gone"], undefined],
  ["x", ["deploy"], undefined],
  ["entirely", ["different"], undefined],
  ["", ["a"], undefined],
])("%s among %j is %s", (word, candidates, expected) => {
  expect(nearest(word, candidates)).toBe(expected);
});
