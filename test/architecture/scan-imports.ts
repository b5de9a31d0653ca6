/** One import of a TypeScript file. */
export interface Import {
  /** As written: `../shared/errors.ts`, `node:fs`, `zod`. */
  specifier: string;
  /** Whether nothing of it is left at run time: `import type`, `export type`, `import("…").Type` in a type. */
  typeOnly: boolean;
  /** 1 is the first. */
  line: number;
}

/**
 * A statement that begins a line, as the formatter writes it: `import … from "x"`, `import "x"`, `export … from "x"`.
 * In comments and in code within functions, nothing else begins a line with these words.
 */
const STATEMENT =
  /^(?:import|export)(?:\s+(type)\b(?!\s*(?:,|from\b)))?[^;"'`]*?["']([^"'\n]+)["']\s*(?:with\s*\{[^}]*\}\s*)?;/gm;

/** `import("x")`: of a type if a name follows that begins with a capital letter. */
const CALL = /\bimport\(\s*["']([^"'\n]+)["']\s*\)(\.[A-Z])?/g;

/**
 * The imports of a formatted source file. TypeScript 7 has no API for programs, and esbuild does not tell of types;
 * the formatter's habits make it simple enough. `export const x = "…";` is no import and is not taken for one.
 */
export function scanImports(source: string): Import[] {
  const found: Import[] = [];
  for (const match of source.matchAll(STATEMENT)) {
    const [statement, type, specifier = ""] = match;
    if (statement.startsWith("export") && !/^export\s+(?:type\s+)?[*{][^;]*\bfrom\s*["']/.test(statement)) continue;
    found.push({ specifier, typeOnly: type === "type", line: lineAt(source, match.index) });
  }
  for (const match of source.matchAll(CALL)) {
    if (isInComment(source, match.index)) continue;
    found.push({ specifier: match[1] ?? "", typeOnly: match[2] !== undefined, line: lineAt(source, match.index) });
  }
  return found.sort((a, b) => a.line - b.line);
}

function lineAt(source: string, index: number): number {
  return source.slice(0, index).split("\n").length;
}

function isInComment(source: string, index: number): boolean {
  const before = source.slice(source.lastIndexOf("\n", index) + 1, index);
  return /^\s*\*|^\s*\/\*|\/\//.test(before);
}
