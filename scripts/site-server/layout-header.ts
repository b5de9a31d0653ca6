import * as layout from "../../src/site-server/core/layout.ts";

/** `layout.ts` as a header for C: the same names and numbers. */
export function layoutHeader(): string {
  const lines = Object.entries(layout).map(([name, value]) => `#define ${name} ${value}${suffix(value)}`);
  return ["/* Made from core/layout.ts by scripts/site-server/layout-header.ts. */", "#pragma once", ...lines, ""].join(
    "\n",
  );
}

/** What does not fit an int. */
function suffix(value: number): string {
  return value > 0x7fffffff ? "u" : "";
}
