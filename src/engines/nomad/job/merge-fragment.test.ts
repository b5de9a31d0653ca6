import * as fc from "fast-check";
import { expect, test } from "vitest";
import { mergeFragment } from "./merge-fragment.ts";

const refuse = (path: string, problem: string): never => {
  throw new Error(`${path} ${problem}`);
};
const merge = (base: object, fragment: Record<string, unknown>, own: readonly string[] = []): object =>
  mergeFragment(base, fragment, { isOwn: (path) => own.includes(path), refuse });

test("maps are merged, lists are added to, null takes away, all else is replaced", () => {
  const base = { a: 1, b: { c: 2, d: [1] }, e: "x", f: null };
  expect(merge(base, { a: 5, b: { d: [2], g: true }, e: null, f: { h: null, i: 1 } })).toEqual({
    a: 5,
    b: { c: 2, d: [1, 2], g: true },
    f: { i: 1 },
  });
});

test("a key in another case is a mistake, but not where names are free", () => {
  expect(() => merge({ CPU: 1 }, { Cpu: 2 })).toThrow("Cpu is written `CPU`");
  expect(merge({ Env: { A: "1" } }, { Env: { a: "2" } })).toEqual({ Env: { A: "1", a: "2" } });
});

const json = fc.dictionary(
  fc.constantFrom("A", "B", "C", "__proto__"),
  fc.jsonValue({ maxDepth: 3 }).map((value): unknown => JSON.parse(JSON.stringify(value))),
);

test("an empty fragment changes nothing, and none is changed", () => {
  fc.assert(
    fc.property(json, json, (base, fragment) => {
      const before = JSON.stringify([base, fragment]);
      expect(JSON.stringify(merge(base, {}))).toBe(JSON.stringify(base));
      try {
        merge(base, fragment);
      } catch {
        // of another kind than what is there, which is a mistake
      }
      expect(JSON.stringify([base, fragment])).toBe(before);
    }),
  );
});

test("what is not mentioned stays, and what is new is there", () => {
  fc.assert(
    fc.property(json, fc.dictionary(fc.constantFrom("X", "Y"), fc.string()), (base, fragment) => {
      expect(merge(base, fragment)).toEqual({ ...base, ...fragment });
    }),
  );
});

test("what is its own is never taken from it", () => {
  fc.assert(
    fc.property(json, fc.jsonValue(), (base, value) => {
      expect(() => merge(base, { A: value }, ["A"])).toThrow("A is what Steppe says");
    }),
  );
});

test("nor with what it is in", () => {
  const base = { Meta: { a: "1", own: "2" }, Config: { b: "3" } };
  expect(() => merge(base, { Meta: null }, ["Meta.own"])).toThrow(
    "Meta holds what Steppe says, and cannot be taken away",
  );
  expect(() => merge({ Deep: base }, { Deep: null }, ["Deep.Meta.own"])).toThrow("Deep holds what Steppe says");
  expect(merge(base, { Meta: { a: null }, Config: null }, ["Meta.own"])).toEqual({ Meta: { own: "2" } });
});
