import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { roomOf, rooms } from "./rooms.ts";
import { type Import, scanImports } from "./scan-imports.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The composition root: the one file that builds real dependencies. */
const COMPOSITION_ROOT = "main.ts";
/** Of a test file somewhat more: what is said there of one thing stays together. */
const MOST_LINES = { program: 350, test: 400 };

interface Edge extends Import {
  from: string;
  /** The imported file, relative to `src`. */
  to: string;
}

const sources = globSync("**/*.ts", { cwd: join(root, "src") });
const programs = sources.filter((path) => !path.endsWith(".test.ts"));
const edges: Edge[] = programs.flatMap((from) =>
  scanImports(readFileSync(join(root, "src", from), "utf8"))
    .filter(({ specifier }) => specifier.startsWith("."))
    .map((found) => ({ ...found, from, to: fileOf(normalize(join(dirname(from), found.specifier))) })),
);

/** AssemblyScript leaves the extension off. */
function fileOf(path: string): string {
  return sources.includes(`${path}.ts`) ? `${path}.ts` : path;
}

test("every file is in a room", () => {
  expect(programs.filter((path) => path !== COMPOSITION_ROOT && roomOf(path) === undefined)).toEqual([]);
});

test("the scan sees the imports", () => {
  expect(edges.length).toBeGreaterThan(programs.length);
  expect(edges.filter(({ to }) => !to.startsWith("../") && !sources.includes(to)).map(describeEdge)).toEqual([]);
});

test("rooms import each other only through their doors", () => {
  const wrong = edges.filter((edge) => edge.from !== COMPOSITION_ROOT && !isAllowed(edge));
  expect(wrong.map(describeEdge)).toEqual([]);
});

test("nothing imports the composition root", () => {
  expect(edges.filter(({ to }) => to === COMPOSITION_ROOT).map(describeEdge)).toEqual([]);
});

test("rooms do not need each other in a circle at run time", () => {
  const needs = new Map<string, Set<string>>();
  for (const { from, to, typeOnly } of edges) {
    const [user, used] = [roomOf(from), roomOf(to)];
    if (typeOnly || user === undefined || used === undefined || user === used) continue;
    needs.set(user, (needs.get(user) ?? new Set()).add(used));
  }
  expect(findCycle(needs)).toBeUndefined();
});

test("no file is too long, and none works around the types", () => {
  const files = globSync("{src,test,scripts,benchmarks}/**/*.ts", { cwd: root });
  const wrong = files.flatMap((path) => {
    const source = readFileSync(join(root, path), "utf8");
    const lines = source.trimEnd().split("\n").length;
    return [
      ...(lines > MOST_LINES[path.endsWith(".test.ts") ? "test" : "program"] ? [`${path} has ${lines} lines`] : []),
      ...(/[:<(]\s*any\b(?!\s+\w)|\bas any\b|^\s*\/\/ *@ts-(ignore|nocheck)/m.test(source) ? [`${path} uses any`] : []),
    ];
  });
  expect(wrong).toEqual([]);
});

function isAllowed({ from, to, typeOnly }: Edge): boolean {
  const [user, used] = [roomOf(from), roomOf(to)];
  if (user === undefined || used === undefined) return to.startsWith("../") && !to.startsWith("../src");
  if (user === used || used === "shared") return true;
  const { imports, types = [] } = rooms[user] ?? { imports: [] };
  if (imports.includes(to)) return true;
  return typeOnly && (types.includes(to) || to === "config/index.ts");
}

function describeEdge({ from, line, to, typeOnly }: Edge): string {
  return `src/${from}:${line} imports ${typeOnly ? "types of " : ""}src/${to}`;
}

function findCycle(needs: ReadonlyMap<string, ReadonlySet<string>>): string | undefined {
  const done = new Set<string>();
  const visit = (room: string, path: readonly string[]): string | undefined => {
    if (path.includes(room)) return [...path.slice(path.indexOf(room)), room].join(" → ");
    if (done.has(room)) return undefined;
    for (const next of needs.get(room) ?? []) {
      const cycle = visit(next, [...path, room]);
      if (cycle !== undefined) return cycle;
    }
    done.add(room);
    return undefined;
  };
  for (const room of needs.keys()) {
    const cycle = visit(room, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
