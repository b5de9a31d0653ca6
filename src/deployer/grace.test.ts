import { expect, test } from "vitest";
import { releasesInGrace, type Switch } from "./grace.ts";

const HOUR = 3_600_000;
const switches = (...all: Array<[release: number, hour: number, noGrace?: boolean]>): Switch[] =>
  all.map(([release, hour, noGrace = false]) => ({ release, at: hour * HOUR, noGrace }));
const inGrace = (all: Switch[], hour: number, graceOf: (release: number) => number = () => HOUR) => [
  ...releasesInGrace(all, graceOf, hour * HOUR),
];

test("what was live is promised from the switch that replaced it", () => {
  expect(inGrace(switches([3, 2], [2, 1.5], [1, 0]), 2.4)).toEqual([
    [2, 3 * HOUR],
    [1, 2.5 * HOUR],
  ]);
  expect(inGrace(switches([3, 2], [2, 1.5], [1, 0]), 2.6)).toEqual([[2, 3 * HOUR]]);
  expect(inGrace(switches([3, 2], [2, 1.5], [1, 0]), 3)).toEqual([]);
});

test("one that was live twice is promised for the longer of both", () => {
  expect(inGrace(switches([1, 3], [2, 2.5], [1, 2]), 3.1)).toEqual([
    [2, 4 * HOUR],
    [1, 3.5 * HOUR],
  ]);
});

test("nothing of what was before a switch without grace is promised", () => {
  expect(inGrace(switches([3, 2], [2, 1.9, true], [1, 0]), 2)).toEqual([[2, 3 * HOUR]]);
  expect(inGrace(switches([3, 2], [2, 1.9], [1, 0]), 2, (release) => (release === 2 ? 0 : HOUR))).toEqual([
    [2, 3 * HOUR],
  ]);
});

test("a switch that changed nothing ends no promise; very many are bounded", () => {
  expect(inGrace(switches([2, 2], [2, 1.9], [1, 0]), 2)).toEqual([[1, 2.9 * HOUR]]);
  const many = switches(...Array.from({ length: 100 }, (_, index): [number, number] => [100 - index, 2]));
  expect(inGrace(many, 2)).toHaveLength(20);
});
