import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { entryFile } from "../shared/entry-file.ts";
import { version } from "../shared/version.ts";

/** Names the program that ingress processes run: one of another build is replaced. Bundles name their chunks by content. */
export function buildId(): string {
  const program = createHash("sha256").update(readFileSync(entryFile("ingress")));
  return `${version}-${program.digest("hex").slice(0, 12)}`;
}
