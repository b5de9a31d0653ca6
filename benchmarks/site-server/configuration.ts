import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a configuration depends on. */
export interface Run {
  /** The folder that is served. */
  root: string;
  /** A folder for whatever the server writes. */
  temporary: string;
  port: number;
  /** Names of what is switched on: `bare` or `logged`, `plain` or `tls`, modules that are there. */
  features: ReadonlySet<string>;
}

/**
 * Fills in a configuration: `@ROOT@`, `@TMP@` and `@PORT@`; a line that begins with `#name#` counts if the run has that feature, and
 * is left out if not.
 */
export function fillIn(template: string, { root, temporary, port, features }: Run): string {
  return template
    .split("\n")
    .flatMap((line) => {
      const [, indent = "", name, rest = ""] = /^(\s*)#([a-z]+)#(.*)$/.exec(line) ?? [];
      if (name === undefined) return [line];
      return features.has(name) ? [indent + rest] : [];
    })
    .join("\n")
    .replaceAll("@ROOT@", root)
    .replaceAll("@TMP@", temporary)
    .replaceAll("@PORT@", String(port));
}

/** Writes the configuration of this folder for a run, and returns its path. */
export function writeConfiguration(name: string, run: Run): string {
  const path = join(run.temporary, name);
  writeFileSync(path, fillIn(readFileSync(join(import.meta.dirname, name), "utf8"), run));
  return path;
}
