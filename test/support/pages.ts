import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The pages that people read: `README.md`, `docs/cli.md`, …. */
export const pages = globSync("{*.md,docs/**/*.md}", { cwd: root }).sort();

export function readPage(page: string): string {
  return readFileSync(join(root, page), "utf8");
}

/** Something that a page shows as code. */
export interface Code {
  text: string;
  /** `docs/cli.md:12` */
  place: string;
  /** Whether it is a line of a block, and so can be run as it stands, or a word in a sentence. */
  inBlock: boolean;
}

/** All code of a page: each line of its blocks, and what stands between backticks. */
export function codeOf(page: string): Code[] {
  let isFenced = false;
  return readPage(page)
    .split("\n")
    .flatMap((line, index): Code[] => {
      const place = `${page}:${index + 1}`;
      if (line.startsWith("```")) {
        isFenced = !isFenced;
        return [];
      }
      if (isFenced || line.startsWith("    ")) return [{ text: line.trim(), place, inBlock: true }];
      return [...line.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => ({ text, place, inBlock: false }));
    });
}
