import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson } from "./parse-json.ts";
import { writeJson } from "./write-json.ts";

const BEYOND = 2n ** 53n + 1n;

describe("numbers", () => {
  test.for([
    ['{"ModifyIndex": 12}', { ModifyIndex: 12n }],
    ['{"Index":16732694861022544172}', { Index: 16732694861022544172n }],
    ['{"a":[{"JobModifyIndex":0}]}', { a: [{ JobModifyIndex: 0n }] }],
    [
      '{"Count":12,"Weight":0.5,"Index":"12","LockIndex":null}',
      { Count: 12, Weight: 0.5, Index: "12", LockIndex: null },
    ],
    ['{"Flags":18446744073709551615}', { Flags: 2n ** 64n - 1n }],
    ['{"a":-9007199254740993}', { a: -9007199254740993n }],
    ['{"Index":1.5,"a":1e400,"b":1e21}', { Index: 1.5, a: Infinity, b: 1e21 }],
    ["9007199254740993", BEYOND],
    ["[9007199254740993]", [BEYOND]],
  ] as const)("%s", ([text, value]) => {
    expect(parseJson(text)).toEqual(value);
  });

  test("below a key that objects have by themselves are read as well", () => {
    const read = parseJson('{"__proto__":{"Index":1}}') as object;
    expect(Object.getOwnPropertyDescriptor(read, "__proto__")?.value).toEqual({ Index: 1n });
  });

  test("under a key that ends in Index have all their digits, and are written with them", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.stringMatching(/^[A-Za-z]{0,5}Index$/),
        (index, key) => {
          const text = `{"${key}":${index}}`;
          expect(parseJson(text)).toEqual({ [key]: index });
          expect(writeJson(parseJson(text))).toBe(text);
        },
      ),
    );
  });

  test("that are whole lose nothing, however many digits they have", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), (number) => {
        const text = `{"a":[${number}]}`;
        expect(writeJson(parseJson(text))).toBe(text);
      }),
    );
  });
});

test("anything else is read as JSON.parse does, and written as JSON.stringify does", () => {
  const noIndex = (text: string): boolean => !/Index"\s*:\s*-?\d/.test(text) && !/\d{16}/.test(text);
  fc.assert(
    fc.property(
      fc.json().filter((text) => noIndex(text)),
      (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text));
        expect(writeJson(parseJson(text))).toBe(JSON.stringify(JSON.parse(text)));
      },
    ),
  );
});

test("what was read and written is read as the same", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseJson(writeJson(parseJson(text)))).toEqual(parseJson(text));
    }),
  );
});

test("what is no JSON, or nested without end, is a SyntaxError", () => {
  const deep = 200_000;
  expect(() => parseJson("")).toThrow(SyntaxError);
  expect(() => parseJson('{"Index":}')).toThrow(SyntaxError);
  expect(() => parseJson("[".repeat(deep) + "]".repeat(deep))).toThrow(SyntaxError);
});
