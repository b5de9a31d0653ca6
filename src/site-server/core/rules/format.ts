/** Numbers of the format of rules: see ../rules.ts. */

export const RULES_HEADER: u32 = 24;
/** u32 position, u32 bytes */
export const RULES_AT_HEADERS: u32 = 0;
export const RULES_AT_REDIRECTS: u32 = 8;
/** u32: how many of the redirects are forced: they come before the files of the site */
export const RULES_AT_FORCED: u32 = 16;

/** So many different names may the fields of a site's `_headers` have. */
export const NAMES_MOST: u32 = 64;
/** A rule captures at most so many parts of a request. */
export const CAPTURES_MOST: u32 = 16;
/** A Location, or the path that a rewrite leads to, has at most so many bytes. A longer one is no match. */
export const REDIRECT_TEXT_MOST: u32 = 8192;
