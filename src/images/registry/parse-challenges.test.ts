import fc from "fast-check";
import { expect, test } from "vitest";
import { parseChallenges } from "./parse-challenges.ts";

const read = (field: string): Array<[string, Record<string, string>]> =>
  parseChallenges(field).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test.for([
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull,push"',
    [
      [
        "bearer",
        {
          realm: "https://auth.docker.io/token",
          service: "registry.docker.io",
          scope: "repository:library/nginx:pull,push",
        },
      ],
    ],
  ],
  ['Basic realm="Registry Realm"', [["basic", { realm: "Registry Realm" }]]],
  ["BASIC REALM=plain", [["basic", { realm: "plain" }]]],
  [
    'Basic realm="a, b", Bearer realm="c" , error = "insufficient_scope"',
    [
      ["basic", { realm: "a, b" }],
      ["bearer", { realm: "c", error: "insufficient_scope" }],
    ],
  ],
  [
    'Negotiate, Basic realm="x"',
    [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
    ],
  ],
  [
    'Negotiate YWJj==, Basic realm="x"',
    [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
    ],
  ],
  [String.raw`Bearer realm="a\"b\\c"`, [["bearer", { realm: String.raw`a"b\c` }]]],
  ["", []],
  [", ,", []],
  ["Bearer", [["bearer", {}]]],
  ['Bearer realm="open', [["bearer", {}]]],
] as const)("%s", ([field, challenges]) => {
  expect(read(field)).toEqual(challenges);
});

const token = fc.stringMatching(/^[a-z0-9_-]{1,8}$/);
const parameters = fc.dictionary(token, fc.string({ unit: "binary-ascii" }), {
  minKeys: 1,
  maxKeys: 4,
  noNullPrototype: true,
});

test("what is written is read", () => {
  const quote = (text: string): string => `"${text.replace(/(["\\])/g, String.raw`\$1`)}"`;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(token, parameters), { maxLength: 3 }),
      fc.constantFrom(",", ", ", " ,  "),
      (list, comma) => {
        const field = list.map(
          ([scheme, all]) =>
            `${scheme} ${Object.entries(all)
              .map(([name, value]) => `${name}=${quote(value)}`)
              .join(comma)}`,
        );
        expect(read(field.join(comma))).toEqual(list);
      },
    ),
  );
});

test("anything is read in reasonable time, without an error", () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[a ,="\\]{0,60}$/));
  fc.assert(
    fc.property(text, (field) => {
      expect(Array.isArray(parseChallenges(field))).toBe(true);
    }),
  );
  expect(read(`${"a,".repeat(20_000)}"`).length).toBe(20_000);
});
