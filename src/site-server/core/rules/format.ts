/** Numbers of the format of rules: see ../rules.ts. */

export const RULES_HEADER: u32 = 24;
/** u32 position, u32 bytes */
export const RULES_AT_HEADERS: u32 = 0;
export const RULES_AT_REDIRECTS: u32 = 8;
/** u32: how many of the redirects are forced */
export const RULES_AT_FORCED: u32 = 16;

/** So many different names may the fields of a site's `_headers` have. */
export const NAMES_MOST: u32 = 64;
/** A rule captures at most so many parts of a request. */
export const CAPTURES_MOST: u32 = 16;
/** A Location, or the path that a rewrite leads to, has at most so many bytes. With a longer one a rule does not match. */
export const REDIRECT_TEXT_MOST: u32 = 8192;

export const HEADER_RULE_SIZE: u32 = 8;
export const HEADER_RULE_AT_PATTERN_LENGTH: u32 = 4;
export const HEADER_RULE_AT_FIELDS: u32 = 6;

export const FIELD_SIZE: u32 = 6;
export const FIELD_AT_NAME: u32 = 0;
export const FIELD_AT_FLAGS: u32 = 1;
export const FIELD_AT_NAME_LENGTH: u32 = 2;
export const FIELD_AT_VALUE_LENGTH: u32 = 4;
/** The rule takes the field away (`! Name`). */
export const FIELD_DETACHED: u8 = 1;
/** The field goes with content only. */
export const FIELD_CONTENT: u8 = 2;

/** The names that the server itself gives to the answers of a site have fixed numbers. */
export const NAME_CACHE_CONTROL: u32 = 0;
export const NAME_VARY: u32 = 1;
export const NAME_CONTENT_TYPE: u32 = 2;
export const NAME_CONTENT_TYPE_OPTIONS: u32 = 3;
export const NAMES_OWN: u32 = 4;

export const REDIRECT_SIZE: u32 = 18;
export const REDIRECT_AT_STATUS: u32 = 4;
export const REDIRECT_AT_FLAGS: u32 = 6;
export const REDIRECT_AT_PARAMETERS: u32 = 7;
export const REDIRECT_AT_HASH: u32 = 8;
export const REDIRECT_AT_PATTERN_LENGTH: u32 = 12;
export const REDIRECT_AT_TARGET_LENGTH: u32 = 14;
export const REDIRECT_AT_PARAMETERS_LENGTH: u32 = 16;
/** Comes before the files of the site. */
export const REDIRECT_FORCED: u8 = 1;
/** The pattern is one literal, or nothing: only a path with the rule's hash can match. */
export const REDIRECT_LITERAL: u8 = 2;
/** Has a file served; the target is a decoded path. */
export const REDIRECT_SERVES: u8 = 4;
/** The target is a path: its text begins with a slash, and must not begin with two. */
export const REDIRECT_HERE: u8 = 8;

export const PARAMETER_LITERAL: u8 = 1;
export const PARAMETER_CAPTURE: u8 = 2;
/** Whatever its value is, or with none. */
export const PARAMETER_ANY: u8 = 3;

/** Before the tokens of a pattern, a u8: the pattern ends in `*`, and so a slash at the path's end is part of what that stands for. Else it is passed over. */
export const PATTERN_OPEN: u8 = 1;
/** u16 length, bytes */
export const PATTERN_LITERAL: u8 = 1;
/** u8 capture, u16 length of a suffix, the suffix: one name up to the next slash, which ends in the suffix and is longer than it */
export const PATTERN_NAME: u8 = 2;
/** u8 capture: anything */
export const PATTERN_SPLAT: u8 = 3;
/** u8 capture, always last: the end of the path, or a slash and anything (`/docs/*` stands for `/docs` too) */
export const PATTERN_TAIL: u8 = 4;

/** u16 length, bytes */
export const TEXT_LITERAL: u8 = 1;
/** u8 capture, u8 CAPTURE_*: what the pattern captured */
export const TEXT_CAPTURE: u8 = 2;
/** The request's query with its `?`, if it has one. */
export const TEXT_QUERY: u8 = 3;

/** As it is, decoded. */
export const CAPTURE_RAW: u8 = 0;
/** Percent-encoded for a path, slashes kept. */
export const CAPTURE_PATH: u8 = 1;
/** Percent-encoded so that it is one name in a path, or one value in a query. */
export const CAPTURE_NAME: u8 = 2;
