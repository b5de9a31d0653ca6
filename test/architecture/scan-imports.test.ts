import { expect, test } from "vitest";
import { scanImports } from "./scan-imports.ts";

test.each([
  ['import { a } from "./a.ts";', "./a.ts", false],
  ['import a, { type B } from "./a.ts";', "./a.ts", false],
  ['import { type B } from "./a.ts";', "./a.ts", false],
  ['import type { B } from "./a.ts";', "./a.ts", true],
  ['import type * as all from "./a.ts";', "./a.ts", true],
  ['import type from "./a.ts";', "./a.ts", false],
  ['import "./a.ts";', "./a.ts", false],
  ['import {\n  a,\n  b,\n} from "./a.ts";', "./a.ts", false],
  ['import data from "./a.json" with { type: "json" };', "./a.json", false],
  ['export * from "./a.ts";', "./a.ts", false],
  ['export * as a from "./a.ts";', "./a.ts", false],
  ['export type * from "./a.ts";', "./a.ts", true],
  ['export { a, type B } from "./a.ts";', "./a.ts", false],
  ['export type { B } from "./a.ts";', "./a.ts", true],
  ['  const a = await import("./a.ts");', "./a.ts", false],
  ['  last: import("./a.ts").Last | null;', "./a.ts", true],
])("%s", (source, specifier, typeOnly) => {
  expect(scanImports(`const x = 1;\n${source}\n`)).toEqual([{ specifier, typeOnly, line: 2 }]);
});

test.each([
  'export const a = "./a.ts";',
  'export const from = { from: "./a.ts" };',
  ' * import { a } from "./a.ts";',
  '// await import("./a.ts")',
  '  * `import("./a.ts")` is lazy',
  'export type A = "a";',
  'export function importFrom(): string {\n  return "./a.ts";\n}',
])("is no import: %s", (source) => {
  expect(scanImports(source)).toEqual([]);
});
