import { ensure, take, top } from "./arena";
import { putString } from "./ascii";
import { findEntry } from "./entries";
import { problem, problemsOf } from "./problems";
import { findIndexOf } from "./urls";

/** The pages that rewrites lead to, linked: u32 the next, u32 line, u32 address of the path, u32 its length. Once all files are there, those that are missing are told. */
const PAGE_LINE: u32 = 4;
const PAGE_PATH: u32 = 8;
const PAGE_LENGTH: u32 = 12;

let firstPage: u32 = 0;

/** @param text of rules: one literal, or nothing for the root; stays where it is */
export function expectPage(line: u32, text: u32, textLength: u32): void {
  if (!ensure(16)) return;
  const page = take(16);
  store<u32>(page, firstPage);
  store<u32>(page + PAGE_LINE, line);
  store<u32>(page + PAGE_PATH, text + 3);
  store<u32>(page + PAGE_LENGTH, textLength === 0 ? 0 : textLength - 3);
  firstPage = page;
}

/**
 * Tells of the rewrites whose page is no file of the site.
 *
 * @param clean whether `/about` stands for `about.html`
 */
export function tellMissingPages(clean: bool): void {
  problemsOf("_redirects");
  for (let page = firstPage; page !== 0; page = load<u32>(page)) {
    const path = load<u32>(page + PAGE_PATH);
    const length = load<u32>(page + PAGE_LENGTH);
    if (findEntry(path, length, 0, 0) !== 0 || findIndexOf(path, length) !== 0) continue;
    if (clean && findEntry(path, length, htmlSuffix(), 5) !== 0) continue;
    problem(load<u32>(page + PAGE_LINE), "no file of the site", path, length);
  }
}

function htmlSuffix(): u32 {
  putString(".html", top);
  return top;
}
