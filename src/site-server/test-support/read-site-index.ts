import * as layout from "../core/layout.ts";

export interface ReadForm {
  /** undefined is SOURCE_OWN */
  source: string | undefined;
  offset: number;
  bytes: number;
}

export interface ReadFile {
  path: string;
  tag: string | undefined;
  modified: number;
  head: string;
  forms: Partial<Record<"identity" | "br" | "zstd" | "gzip", ReadForm>>;
}

export interface ReadUrl {
  kind: "file" | "folder";
  kept: boolean;
  /** The path of the file. */
  file: string;
  /** The lines of its template; a blank line lies between those that go with every answer and those of content. */
  head: string;
}

/** A site index, read into objects: what it says, for tests. Reads it by core/layout.ts alone, and looks every path up as the core does. */
export interface ReadSite {
  urls: Map<string, ReadUrl>;
  files: ReadFile[];
  heads: string[];
  errors: Record<number, string>;
  notFound: string | undefined;
  fallback: string | undefined;
  modified: number;
  plainHead: string | undefined;
  ruleBytes: number;
}

const FORMS = [
  ["identity", layout.FORM_IDENTITY],
  ["br", layout.FORM_BR],
  ["zstd", layout.FORM_ZSTD],
  ["gzip", layout.FORM_GZIP],
] as const;

export function readSiteIndex(index: Buffer): ReadSite {
  const u32 = (at: number): number => index.readUInt32LE(at);
  const count = (part: number): number => u32(part);
  const record = (part: number, size: number, number: number): number => u32(part + 4) + size * number;
  const text = (at: number, length: number): string => index.toString("utf8", at, at + length);

  const heads = Array.from({ length: count(layout.SITE_AT_HEADS) }, (_, i) => {
    const at = record(layout.SITE_AT_HEADS, layout.HEAD_SIZE, i);
    const start = u32(at + layout.HEAD_AT_TEXT);
    const common = index.readUInt16LE(at + layout.HEAD_AT_COMMON);
    const content = index.readUInt16LE(at + layout.HEAD_AT_CONTENT);
    return `${text(start, common)}\r\n${text(start + common, content)}`.replaceAll("\r\n", "\n");
  });
  const headOf = (number: number): string => heads[number] ?? `no head ${number}`;
  const sources = Array.from({ length: count(layout.SITE_AT_SOURCES) }, (_, i) => {
    const at = record(layout.SITE_AT_SOURCES, layout.SOURCE_SIZE, i);
    return text(u32(at), u32(at + 4));
  });
  const readForm = (number: number): ReadForm => {
    const at = record(layout.SITE_AT_FORMS, layout.FORM_SIZE, number);
    const source = u32(at + layout.FORM_AT_SOURCE);
    return {
      source: source === layout.SOURCE_OWN ? undefined : (sources[source] ?? `no source ${source}`),
      offset: index.readDoubleLE(at + layout.FORM_AT_OFFSET),
      bytes: index.readDoubleLE(at + layout.FORM_AT_BYTES),
    };
  };
  const files = Array.from({ length: count(layout.SITE_AT_FILES) }, (_, i): ReadFile => {
    const at = record(layout.SITE_AT_FILES, layout.FILE_SIZE, i);
    const mask = index.readUInt8(at + layout.FILE_AT_FORMS);
    let number = u32(at + layout.FILE_AT_FORM);
    const forms: ReadFile["forms"] = {};
    for (const [name, form] of FORMS) if ((mask & form) !== 0) forms[name] = readForm(number++);
    const tagged = (index.readUInt8(at + layout.FILE_AT_FLAGS) & layout.FILE_TAGGED) !== 0;
    return {
      path: text(u32(at + layout.FILE_AT_PATH), index.readUInt16LE(at + layout.FILE_AT_PATH_LENGTH)),
      tag: tagged ? text(at + layout.FILE_AT_TAG, layout.FILE_TAG_LENGTH) : undefined,
      modified: u32(at + layout.FILE_AT_MODIFIED),
      head: headOf(index.readUInt16LE(at + layout.FILE_AT_HEAD)),
      forms,
    };
  });
  const fileName = (numberPlusOne: number): string | undefined =>
    numberPlusOne === 0 ? undefined : files[numberPlusOne - 1]?.path;

  const urls = new Map<string, ReadUrl>();
  for (let i = 0; i < count(layout.SITE_AT_URLS); i++) {
    const at = record(layout.SITE_AT_URLS, layout.URL_SIZE, i);
    const path = text(u32(at + layout.URL_AT_PATH), index.readUInt16LE(at + layout.URL_AT_PATH_LENGTH));
    if (urls.has(path)) throw new Error(`two URLs ${path}`);
    if (findUrl(index, path) !== i) throw new Error(`the URL ${path} is not found`);
    urls.set(path, {
      kind: index.readUInt8(at + layout.URL_AT_KIND) === layout.URL_FOLDER ? "folder" : "file",
      kept: (index.readUInt8(at + layout.URL_AT_FLAGS) & layout.URL_KEPT) !== 0,
      file: fileName(u32(at + layout.URL_AT_FILE) + 1) ?? "no such file",
      head: headOf(index.readUInt16LE(at + layout.URL_AT_HEAD)),
    });
  }
  const errors: Record<number, string> = {};
  for (let i = 0; i < count(layout.SITE_AT_ERRORS); i++) {
    const at = record(layout.SITE_AT_ERRORS, layout.ERROR_SIZE, i);
    errors[u32(at)] = fileName(u32(at + 4) + 1) ?? "no such file";
  }
  const plain = index.readUInt16LE(layout.SITE_AT_PLAIN_HEAD);
  return {
    urls,
    files,
    heads,
    errors,
    notFound: fileName(u32(layout.SITE_AT_NOT_FOUND)),
    fallback: fileName(u32(layout.SITE_AT_FALLBACK)),
    modified: index.readDoubleLE(layout.SITE_AT_MODIFIED),
    plainHead: plain === 0 ? undefined : headOf(plain - 1),
    ruleBytes: count(layout.SITE_AT_RULES),
  };
}

/** The number of the URL record of a path, looked up through the slots; -1 if there is none. */
function findUrl(index: Buffer, path: string): number {
  const wanted = Buffer.from(path);
  let hash = 0x811c9dc5;
  for (const byte of wanted) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  const mask = index.readUInt32LE(layout.SITE_AT_SLOTS) - 1;
  const slots = index.readUInt32LE(layout.SITE_AT_SLOTS + 4);
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const number = index.readUInt32LE(slots + slot * 4) - 1;
    if (number < 0) return -1;
    const at = index.readUInt32LE(layout.SITE_AT_URLS + 4) + number * layout.URL_SIZE;
    const start = index.readUInt32LE(at + layout.URL_AT_PATH);
    const found = index.subarray(start, start + index.readUInt16LE(at + layout.URL_AT_PATH_LENGTH));
    if (found.equals(wanted)) return number;
  }
}
