import { HEAD_AT_COMMON, HEAD_AT_CONTENT, HEAD_AT_TEXT } from "../layout";

/**
 * Writes the lines of a head template, as `_headers` changes them for a path. For answers whose path has no URL record: error pages, the
 * fallback, rewrites, redirects and built-in pages. (The templates of URL records have the rules in them already: copy them.)
 *
 * @param site a checked site index
 * @param head the address of a HEAD record: of FILE_AT_HEAD or SITE_AT_PLAIN_HEAD
 * @param path the percent-decoded path of the request without its leading slash
 * @param content whether the fields that go with content are written too
 * @param to HEAD_MOST_BYTES of room
 * @returns the bytes written
 */
export function writeHead(site: u32, head: u32, path: u32, pathLength: u32, content: bool, to: u32): u32 {
  const common = <u32>load<u16>(head + HEAD_AT_COMMON);
  const length = content ? common + load<u16>(head + HEAD_AT_CONTENT) : common;
  memory.copy(to, site + load<u32>(head + HEAD_AT_TEXT), length);
  return length;
}
