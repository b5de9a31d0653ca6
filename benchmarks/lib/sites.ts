import { createHash } from "node:crypto";
import { join } from "node:path";

/** A page of just 4,096 bytes whose words differ from page to page and from version to version. */
export function page(index: number, version: number): string {
  const head = `<!doctype html><html lang="en"><title>Page ${index}</title><p>version ${version}</p><p>`;
  const tail = "</p></html>\n";
  let text = "";
  for (let part = 0; head.length + text.length + tail.length < 4096; part++) {
    text += `${createHash("sha256").update(`${index}/${version}/${part}`).digest("hex").replaceAll(/[0-4]/g, " ")} the site of the steppe `;
  }
  return head + text.slice(0, 4096 - head.length - tail.length) + tail;
}

/** Where a page lies: 100 to a folder. The first is the index. */
export function pagePath(index: number): string {
  return index === 0 ? "index.html" : join(`section-${Math.floor(index / 100)}`, `page-${index}.html`);
}

/** The files of a site of `count` pages, of which those of `changed` are of the given version and the rest of version 1. */
export function sitePages(count: number, version: number, changed: number): Record<string, string> {
  const files: Record<string, string> = {};
  const every = Math.max(1, Math.floor(count / changed));
  for (let index = 0; index < count; index += every) files[pagePath(index)] = page(index, version);
  return files;
}
