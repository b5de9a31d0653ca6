import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pages, readPage } from "./support/pages.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The text of a page without what it quotes as code. */
function prose(page: string): string {
  return readPage(page)
    .replace(/^```[\s\S]*?^```$/gm, "")
    .replace(/^ {4}.*$/gm, "");
}

/** The anchors of its headings, as forges make them. */
function anchors(page: string): Set<string> {
  const headings = [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replace(/\s/g, "-"),
    ),
  );
}

test.each(pages)("the links of %s lead somewhere", (page) => {
  const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  const broken = links
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && !anchors(file).has(anchor);
    });
  expect(broken).toEqual([]);
});

test("every page of docs/ can be reached from the README", () => {
  const reached = new Set(["README.md"]);
  for (const page of reached) {
    for (const [, target = ""] of prose(page).matchAll(/\]\(([^)\s#]+)(?:#[^)\s]*)?\)/g)) {
      const file = join(dirname(page), target);
      if (target.endsWith("/")) pages.filter((other) => other.startsWith(file)).forEach((other) => reached.add(other));
      else if (pages.includes(file)) reached.add(file);
    }
  }
  expect(pages.filter((page) => !reached.has(page) && page.startsWith("docs/"))).toEqual([]);
});
