import { ERROR_SIZE, SITE_AT_ERRORS } from "../layout";
import { ENTRY_NUMBER, findEntry } from "./entries";
import { problem, problemsOf } from "./problems";

/** The pages, linked: u32 the next, u32 status, u32 address of the path, u32 length, u32 the entry of the file, or 0. */
export const ERROR_PAGE_RECORD: u32 = 20;

/** How many of them are files of the site. */
export let errorPageCount: u32 = 0;
let first: u32 = 0;

/** @param record ERROR_PAGE_RECORD bytes for us. Of several pages for a status the last counts */
export function addErrorPage(record: u32, status: u32, path: u32, length: u32): void {
  let page = first;
  while (page !== 0 && load<u32>(page, 4) !== status) page = load<u32>(page);
  if (page === 0) {
    page = record;
    store<u32>(page, first);
    first = page;
  }
  store<u32>(page, status, 4);
  store<u32>(page, path, 8);
  store<u32>(page, length, 12);
}

/** Finds their files, once all are there. One that is missing is told of. */
export function findErrorPages(): void {
  problemsOf("error pages");
  for (let page = first; page !== 0; page = load<u32>(page)) {
    const entry = findEntry(load<u32>(page, 8), load<u32>(page, 12), 0, 0);
    store<u32>(page, entry, 16);
    if (entry !== 0) errorPageCount++;
    else problem(0, "no file of the site", load<u32>(page, 8), load<u32>(page, 12));
  }
}

export function writeErrorPages(site: u32): void {
  let record = site + load<u32>(site + SITE_AT_ERRORS + 4);
  for (let page = first; page !== 0; page = load<u32>(page)) {
    const entry = load<u32>(page, 16);
    if (entry === 0) continue;
    store<u32>(record, load<u32>(page, 4));
    store<u32>(record, load<u32>(entry + ENTRY_NUMBER), 4);
    record += ERROR_SIZE;
  }
}
