/** The status of the rule that matched. */
export let redirectStatus: u16 = 0;
/** Whether the rule has a file served with its status (a rewrite, or a page such as a 410), and not a redirect. */
export let redirectIsServed: bool = false;
/**
 * The address of the text of the rule that matched, good until the next call, and its length. Of a redirect: the value of `Location`, as it is to be sent,
 * the request's query in it where it belongs. Of a rewrite: the decoded path to serve, without its leading slash, as URL records have it; the
 * site may have no such path. If it is that of a URL_FOLDER, the record's file is meant.
 */
export let redirectText: u32 = 0;
export let redirectTextLength: u32 = 0;

/**
 * Looks for the first rule of `_redirects` that matches; fills the variables above. A rule that would lead a path to itself does not match.
 *
 * @param site a checked site index
 * @param path the percent-decoded path without its leading slash
 * @param query the request's query as it came, without `?`; `queryLength` is 0 if there is none
 * @param forced true: only the forced rules, which are asked before the files of the site. false: only the others, asked if it has no such path
 * @returns whether one did
 */
export function matchRedirect(site: u32, path: u32, pathLength: u32, query: u32, queryLength: u32, forced: bool): bool {
  return false;
}
