/**
 * Where things lie: in a site index, and in the records through which the core and its hosts speak. Read by both modules of the
 * core, by the hosts in TypeScript, and (as a generated header) by the host in C. All numbers are little-endian; f64 carries
 * sizes and offsets, exact up to 2^53, so that no host needs 64-bit integers.
 *
 * # The two modules
 *
 * `answer` parses requests and answers them from site indexes. `build` makes a site index from what a host tells it of files.
 * Neither imports anything; neither allocates for a request. A pointer that a host hands over or gets back is an
 * address in the module's memory.
 *
 * # A site index
 *
 * One relocatable block: every position in it counts from its first byte.
 *
 *     header     SITE_*
 *     slots      slotCount x u32: an open-addressing hash table over the paths of URLs (FNV-1a, linear probing, slotCount is a
 *                power of two, one slot at least is empty); 0 is empty, else the number of a URL record, plus one
 *     urls       URL_*: what a path leads to. `docs/`, `docs/index.html` and `docs` are three of them
 *     files      FILE_*
 *     forms      FORM_*: of each file the forms that its mask names, in the order identity, br, zstd, gzip
 *     heads      HEAD_*: templates of header fields that many files share
 *     sources    SOURCE_*: names of the places where bodies lie, for the host (packs)
 *     errors     ERROR_*: pages of the site's own for other statuses than 404
 *     rules      what `_headers` and `_redirects` say of paths that are no files: see rules.ts. `writeHead` there makes every head but those of
 *                URL records; 0 bytes if the site has no rules
 *     text       paths, names, heads: whatever the records point to
 */

/** "SPSI" */
export const SITE_MAGIC: u32 = 0x49535053;
export const SITE_VERSION: u16 = 2;

/** Bytes of the header. */
export const SITE_HEADER = 128;
/** u32 */
export const SITE_AT_MAGIC = 0;
/** u32: CRC-32 (zlib's) of everything from SITE_AT_VERSION on. Made and checked by hosts that keep indexes on disk. */
export const SITE_AT_CRC = 4;
/** u16 */
export const SITE_AT_VERSION = 8;
/** u16, zero */
export const SITE_AT_FLAGS = 10;
/** u32: bytes of the whole index, a multiple of 8 */
export const SITE_AT_LENGTH = 12;
/** Pairs of u32: how many, and the position of the first. */
export const SITE_AT_SLOTS = 16;
export const SITE_AT_URLS = 24;
export const SITE_AT_FILES = 32;
export const SITE_AT_FORMS = 40;
export const SITE_AT_HEADS = 48;
export const SITE_AT_SOURCES = 56;
export const SITE_AT_ERRORS = 64;
/** A pair too: bytes of the rules, and their position. */
export const SITE_AT_RULES = 72;
/** u32: the number of the file that is the page for paths that do not exist, plus one; 0 is the built-in page. */
export const SITE_AT_NOT_FOUND = 80;
/** u32: the number of the file that answers, with 200, paths that do not exist and name no file (single-page sites), plus one; or 0. */
export const SITE_AT_FALLBACK = 84;
/** f64: what `Last-Modified` says of every file, seconds since 1970; 0 if each file has its own. */
export const SITE_AT_MODIFIED = 88;
/**
 * u16: the head template of answers that are no file of the site (the built-in pages, redirects of rules), plus one; or 0. Before `_headers` is applied.
 * Its content fields are those of a built-in page: its Content-Type, HTML in UTF-8, is among them.
 */
export const SITE_AT_PLAIN_HEAD = 96;

export const URL_SIZE = 16;
/** u32: position of the path, without its leading slash, percent-decoded */
export const URL_AT_PATH = 0;
/** u16 */
export const URL_AT_PATH_LENGTH = 4;
/** u8: URL_FILE or URL_FOLDER */
export const URL_AT_KIND = 6;
/** u8: flags, URL_KEPT */
export const URL_AT_FLAGS = 7;
/** u32: number of the file; of a URL_FOLDER the file of its index, for rewrites that lead to it */
export const URL_AT_FILE = 8;
/** u16: number of the head template for this path, with what `_headers` says of it; of a URL_FOLDER that of the redirect */
export const URL_AT_HEAD = 12;

/** The path is answered with the file. */
export const URL_FILE: u8 = 0;
/** The path lacks its trailing slash: it is answered with a redirect to itself with one, the query kept. */
export const URL_FOLDER: u8 = 1;
/** The name seems to carry a hash of the content: it stays reachable for a while after a newer release took over. */
export const URL_KEPT: u8 = 1;

export const FILE_SIZE = 44;
/** u32: number of the first form */
export const FILE_AT_FORM = 0;
/** u8: which forms there are, FORM_IDENTITY always */
export const FILE_AT_FORMS = 4;
/** u8: flags, FILE_TAGGED */
export const FILE_AT_FLAGS = 5;
/** u16: number of the head template when the file answers for another path: an error page, the fallback, a rewrite. Before `_headers` is applied. */
export const FILE_AT_HEAD = 6;
/** u32: seconds since 1970; used if SITE_AT_MODIFIED is 0 */
export const FILE_AT_MODIFIED = 8;
/** u32, u16: the file's own path, for hosts whose bodies lie at it */
export const FILE_AT_PATH = 12;
export const FILE_AT_PATH_LENGTH = 16;
/** FILE_TAG_LENGTH bytes of text: names the content, the same tag means the same bytes. The forms add a suffix (`-br`) to it. */
export const FILE_AT_TAG = 20;
export const FILE_TAG_LENGTH = 22;

/**
 * The tag is known. Without it the core asks for it before it answers (ANSWER_NEEDS_TAG). A host that finds a file changed may correct FORM_AT_BYTES and
 * FILE_AT_MODIFIED of a loaded index, takes this flag away, and asks for the answer again.
 */
export const FILE_TAGGED: u8 = 1;

export const FORM_IDENTITY: u8 = 1;
export const FORM_BR: u8 = 2;
export const FORM_ZSTD: u8 = 4;
export const FORM_GZIP: u8 = 8;

export const FORM_SIZE = 20;
/** f64: where the body begins in its source */
export const FORM_AT_OFFSET = 0;
/** f64: bytes */
export const FORM_AT_BYTES = 8;
/** u32: number of the source, or SOURCE_OWN */
export const FORM_AT_SOURCE = 16;
/** The body lies at the file's own path, with `.br`, `.zst` or `.gz` after it for these forms. */
export const SOURCE_OWN: u32 = 0xffffffff;

/**
 * A head template is text in two parts, one after another, of whole lines that end in CRLF: `common` goes with every answer (Cache-Control,
 * Vary, the site's own fields), `content` only with those that carry content (Content-Type).
 */
export const HEAD_SIZE = 8;
export const HEAD_AT_TEXT = 0;
/** u16 */
export const HEAD_AT_COMMON = 4;
/** u16 */
export const HEAD_AT_CONTENT = 6;
/** A template is at most so long: an answer's head always fits its buffer. */
export const HEAD_MOST_BYTES = 8192;

/** u32 position, u32 length */
export const SOURCE_SIZE = 8;

/** u32 status, u32 number of the file */
export const ERROR_SIZE = 8;

// ── the module `answer` ──────────────────────────────────────────────────────────────────────────────────────────
//
//   input(): u32                    the address of INPUT_BYTES bytes for what came from a client
//   request(): u32                  the address of the REQUEST record
//   answer(): u32                   the address of the ANSWER record
//   setTime(seconds: f64)           the clock, for `Date`; once a second is enough. `date()`: u32 the address of its 29 bytes of text
//   parse(at: u32, end: u32): i32   reads one HTTP/1.1 head (RFC 9112): > 0 the bytes of the head; 0 it is not whole yet; < 0 it is to be
//                                   refused, with this status, negated, and then the connection ends
//   begin(method: u32), target(at, length), field(known: u32, at, length)
//                                   the other way in (HTTP/2): a request in parts; see METHOD_*, FIELD_*. `begin` clears what was there. The texts stay
//                                   where they are until the request is answered. A target that is none is answered with 400 by `respond`
//   respond(site: u32, flags: u32)  answers the request from a site: fills ANSWER
//   respondKept(site: u32, flags: u32): u32  the same from a former release, whose URL_KEPT paths alone are reachable: 1 if it has the path, else
//                                   0 and ANSWER is as it was
//   respondStatus(status: u32, flags: u32)   a built-in page, as for what `parse` refused
//   siteRoom(bytes: u32): u32       room for a site index, 0 if there is none; `siteFree(site)` gives it back
//   siteCheck(site: u32, bytes: u32): u32    1 if the block is a site index in which every position leads where it may. Only such a one may be given
//                                   to `respond`
//   sourceName(site, source): u32   the address of its name; its length is in ANSWER_AT_LENGTH
//   setTag(file: u32, tag: u32)     22 bytes at `tag` become the tag of the file at ANSWER_AT_FILE

export const INPUT_BYTES = 65536;
/** A head may have so many bytes, its request line included. More is 431. */
export const HEAD_LIMIT = 16384;
/** A target may have so many bytes. More is 414. */
export const TARGET_LIMIT = 8192;
/** A head may have so many fields. More is 431. */
export const FIELD_LIMIT = 100;

/**
 * u32, u32: the target in origin form, from its slash; of `OPTIONS *` the asterisk. Of the absolute form, what follows the authority; if that
 * does not begin with a slash, the text lies in the module's own memory and not in the head. Nothing but bytes 0x21 to 0x7e.
 */
export const REQUEST_AT_TARGET = 0;
export const REQUEST_AT_TARGET_LENGTH = 4;
/** u8: METHOD_* */
export const REQUEST_AT_METHOD = 8;
/** u8: of HTTP/1.x */
export const REQUEST_AT_MINOR = 9;
/** u8: REQUEST_* flags */
export const REQUEST_AT_FLAGS = 10;
/** u8: how many fields the head has */
export const REQUEST_AT_FIELD_COUNT = 11;
/**
 * u32: bit `1 << FIELD_X` is set if the known field X came more than once. REQUEST_AT_KNOWN has the first of them. Who needs all of a list (`X-Forwarded-For`)
 * looks into the table of fields; the core does so for those it reads itself.
 */
export const REQUEST_AT_REPEATED = 12;
/** f64: of the body, with REQUEST_HAS_LENGTH */
export const REQUEST_AT_CONTENT_LENGTH = 16;
/** u32, u32: the name of the method as it came */
export const REQUEST_AT_METHOD_NAME = 24;
export const REQUEST_AT_METHOD_LENGTH = 28;
/**
 * FIELD_KNOWN_COUNT x (u32 address, u32 length) of the value, address 0 if the request has no such field. See FIELD_*. Of several of one name the first, see
 * REQUEST_AT_REPEATED. FIELD_HOST of a target in absolute form is its authority.
 */
export const REQUEST_AT_KNOWN = 32;
/**
 * FIELD_LIMIT x (u32 address of the name, u32 its length, u32 address of the value, u32 its length), in order. Values without the white space around them.
 * In the other way in, the fields that `field` was called with: the address of the name is 0 and its length the number FIELD_*.
 */
export const REQUEST_AT_FIELDS = 160;
export const REQUEST_FIELD_SIZE = 16;
export const REQUEST_SIZE = 1760;

export const METHOD_OTHER: u8 = 0;
export const METHOD_GET: u8 = 1;
export const METHOD_HEAD: u8 = 2;

/** The connection may be used again after the answer. */
export const REQUEST_KEEP_ALIVE: u8 = 1;
export const REQUEST_CHUNKED: u8 = 2;
export const REQUEST_HAS_LENGTH: u8 = 4;
/** The client waits for a 100 (Continue) before it sends the body. */
export const REQUEST_EXPECTS_CONTINUE: u8 = 8;
/** There is an `Upgrade`, and `Connection` names it. */
export const REQUEST_UPGRADE: u8 = 16;

/** The fields that the core or its hosts look at, by number. */
export const FIELD_HOST = 0;
export const FIELD_ACCEPT_ENCODING = 1;
export const FIELD_IF_NONE_MATCH = 2;
export const FIELD_IF_MODIFIED_SINCE = 3;
export const FIELD_IF_RANGE = 4;
export const FIELD_RANGE = 5;
export const FIELD_CONNECTION = 6;
export const FIELD_REFERER = 7;
export const FIELD_USER_AGENT = 8;
export const FIELD_X_FORWARDED_FOR = 9;
export const FIELD_KNOWN_COUNT = 16;

/** Flags of `respond`. */
/** The connection ends after the answer, which says so. */
export const RESPOND_CLOSE: u32 = 1;
/** Fields alone, as lines: no status line, no `Date`, no `Connection`. For HTTP/2. */
export const RESPOND_FIELDS: u32 = 2;

/** u16 */
export const ANSWER_AT_STATUS = 0;
/** u8: ANSWER_* flags */
export const ANSWER_AT_FLAGS = 2;
/** u8: FORM_* of the form that is sent */
export const ANSWER_AT_FORM = 3;
/** u32, u32: what to send first: the head, and after it the body if that is a built-in page. HEAD_ROOM bytes behind it are the host's. */
export const ANSWER_AT_HEAD = 4;
export const ANSWER_AT_HEAD_LENGTH = 8;
/** u32: the number of the source of the body, or SOURCE_OWN */
export const ANSWER_AT_SOURCE = 12;
/** f64: where the part of the body that is to be sent begins in the source, and how many bytes it has; 0 if none is sent */
export const ANSWER_AT_OFFSET = 16;
export const ANSWER_AT_BYTES = 24;
/** u32: the address of the form's record: the same form of the same loaded site has the same address */
export const ANSWER_AT_FORM_RECORD = 32;
/** u32: the address of the file's record, or 0 */
export const ANSWER_AT_FILE = 36;
/** u32, u32: the file's own path */
export const ANSWER_AT_PATH = 40;
export const ANSWER_AT_PATH_LENGTH = 44;
/** u32: of `sourceName` */
export const ANSWER_AT_LENGTH = 48;
/** u32: how many bytes of the head's end are a built-in page's body: what a log calls the size of the answer */
export const ANSWER_AT_PAGE_BYTES = 52;
export const ANSWER_SIZE = 56;

/** The connection ends after this answer. */
export const ANSWER_CLOSE: u8 = 1;
/** The site has no such path, whatever answers for it (a page, a rule, the fallback): a former release may have it. */
export const ANSWER_MISSING: u8 = 2;
/** Nothing is to be sent yet: find the tag of the file's content, `setTag` it, and `respond` again. */
export const ANSWER_NEEDS_TAG: u8 = 4;

/** Behind an answer's head there is so much room: a host may read a small body there and send both at once. */
export const HEAD_ROOM = 65536;

// ── the module `build` ───────────────────────────────────────────────────────────────────────────────────────────
//
//   room(bytes: u32): u32           the address of so many bytes for the next argument; what was there before is gone
//   start(flags: u32)               begins an index; see BUILD_*
//   setOption(option: u32, length)  a text in the room; see OPTION_*
//   addSource(length): u32          its name in the room; returns its number
//   addFile(pathLength, bytes: f64, modified: f64, source, offset: f64): i32
//                                   the path in the room, relative, with `/` between names; after it, with BUILD_TAGS, 22 bytes of tag. Returns the file's
//                                   number, or -1 if it is never served (hidden, reserved, no path), -2 if the path came before, -3 if there is no
//                                   memory
//   addForm(form: u32, bytes: f64, source, offset: f64)   another form of the file that was added last
//   setErrorPage(status, pathLength)   a path in the room; used if the site has it
//   readHeaders(length), readRedirects(length)   the whole text of `_headers`, `_redirects` in the room, before the first file
//   finish(modified: f64): u32      the address of the site index, whose length its header says; 0 if there is no memory for it
//   problems(): u32                 the address of a text, one line for each line of `_headers` or `_redirects` that was not understood: `_headers:12: what is
//                                   wrong`; `problemsLength()`

/** `/about` is answered with `about.html`. */
export const BUILD_CLEAN_URLS: u32 = 1;
/** Files whose names begin with a dot are served. */
export const BUILD_HIDDEN: u32 = 2;
/** Each file comes with its tag. */
export const BUILD_TAGS: u32 = 4;

/** The file that answers for its folder. Default `index.html`. */
export const OPTION_INDEX = 0;
/** The page for paths that do not exist. Default `404.html`. */
export const OPTION_NOT_FOUND = 1;
/** The file for every path that does not exist and whose last name has no dot. Default none. */
export const OPTION_FALLBACK = 2;
/** `Cache-Control` of pages and of whatever may change under its name. Default `no-cache`. */
export const OPTION_CACHE = 3;
/** `Cache-Control` of files whose names carry a hash. Default `public, max-age=31536000, immutable`. */
export const OPTION_CACHE_IMMUTABLE = 4;
