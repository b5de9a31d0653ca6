/**
 * What `_headers` and `_redirects` say, compiled: the format of the part `rules` of a site index, and what `respond` asks of it. `build` writes
 * it (see build/header-rules.ts and build/redirect-rules.ts). No allocation; work is bounded by the length of the path times that of the rules.
 *
 * # The format
 *
 * RULES_HEADER bytes, then two blocks of records. Positions in the header count from the first byte of the rules. Within a
 * block, records follow one another, each with its own length first, and nothing is aligned.
 *
 *     header rule   u32 bytes of the record, u16 bytes of the pattern, u16 count of fields, the pattern, the fields
 *     field         u8 number of the name (< NAMES_MOST, the same name has the same number), u8 FIELD_* flags, u16 bytes of the name, u16 bytes of the value,
 *                   the name, the value as text
 *     redirect      u32 bytes of the record, u16 status, u8 REDIRECT_* flags, u8 count of parameters, u32 FNV-1a of the path if the pattern is
 *                   one literal, u16 bytes of the pattern, u16 bytes of the target, u16 bytes of the parameters, then the pattern, the parameters and the target as text
 *     parameter     u16 bytes of the name, the name, u8 PARAMETER_*: then of a literal u16 bytes and these, of a capture u8 its number
 *
 * A pattern is a row of PATTERN_* tokens over the decoded path without its leading slash; a text is a row of TEXT_* tokens.
 */
export { checkRules } from "./rules/check";
export { writeHead } from "./rules/head";
export { matchRedirect, redirectIsServed, redirectStatus, redirectText, redirectTextLength } from "./rules/redirect";
