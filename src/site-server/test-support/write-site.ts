import * as layout from "../core/layout.ts";

/** A body: text, or a text many times over. */
export type DescribedBody = string | { repeat: string; times: number };

/** A file of a site, as src/site-server/vectors/site.json describes it. */
export interface DescribedFile {
  path: string;
  body: DescribedBody;
  /** Other forms: their bytes are whatever the description says, no compressor is asked. */
  forms?: Partial<Record<"br" | "zstd" | "gzip", DescribedBody>>;
}

export interface DescribedSite {
  files: readonly DescribedFile[];
  /** Seconds since 1970, of all files. */
  modified: number;
  /** The path of the file that answers what does not exist and names no file. */
  fallback?: string;
  /** Pages of the site's own, by status. */
  errors?: Readonly<Record<string, string>>;
  /** The texts of `_headers` and `_redirects`; known to the builder alone. */
  headers?: string;
  redirects?: string;
  /** Whether files have tags; default true. */
  tagged?: boolean;
}

/** A site index, and the one source that all bodies lie in. */
export interface WrittenSite {
  index: Buffer;
  bodies: Buffer;
}

const FORMS = { br: layout.FORM_BR, zstd: layout.FORM_ZSTD, gzip: layout.FORM_GZIP } as const;
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  txt: "text/plain; charset=utf-8",
  svg: "image/svg+xml",
  bin: "application/octet-stream",
};

/** The bytes of a described body. */
export function bytesOf(body: DescribedBody): Buffer {
  return Buffer.from(typeof body === "string" ? body : body.repeat.repeat(body.times));
}

/** The tag of a file: derived from its path, which is enough for tests. */
export function tagOf(path: string): string {
  return Buffer.from(path).toString("base64url").padEnd(layout.FILE_TAG_LENGTH, "_").slice(-layout.FILE_TAG_LENGTH);
}

/** Appends texts behind one another and says where they lie. */
class Text {
  readonly #parts: Buffer[] = [];
  #length: number;

  constructor(start: number) {
    this.#length = start;
  }

  add(text: string | Buffer): { at: number; length: number } {
    const bytes = Buffer.from(text);
    const at = this.#length;
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return { at, length: bytes.length };
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

interface Url {
  path: string;
  kind: number;
  flags: number;
  file: number;
  head: number;
}

/** The URL records of a file: its own path, that of its folder if it is the index, and the folder without its slash. */
function urlsOf({ path }: DescribedFile, file: number, head: number): Url[] {
  const flags = /\.[0-9a-f]{8}\./.test(path) ? layout.URL_KEPT : 0;
  const urls: Url[] = [{ path, kind: layout.URL_FILE, flags, file, head }];
  if (path !== "index.html" && !path.endsWith("/index.html")) return urls;
  const folder = path.slice(0, -"index.html".length);
  urls.push({ path: folder, kind: layout.URL_FILE, flags, file, head });
  if (folder !== "") urls.push({ path: folder.slice(0, -1), kind: layout.URL_FOLDER, flags, file, head: 0 });
  return urls;
}

function headOf(path: string): { common: string; content: string } {
  const cache = /\.[0-9a-f]{8}\./.test(path) ? "public, max-age=31536000, immutable" : "no-cache";
  const vary = /\.(?:html|css|js|txt|svg)$/.test(path) ? "Vary: Accept-Encoding\r\n" : "";
  const type = TYPES[path.split(".").at(-1) ?? ""] ?? "application/octet-stream";
  return {
    common: `Cache-Control: ${cache}\r\n${vary}`,
    content: `Content-Type: ${type}\r\nX-Content-Type-Options: nosniff\r\n`,
  };
}

/** Writes the index of a site from its description, without the module that makes them: a second reading of core/layout.ts. */
export function writeSite(site: DescribedSite): WrittenSite {
  const { files } = site;
  const urls = files.flatMap((file, number) => urlsOf(file, number, number + 1));
  const formCount = files.reduce((sum, { forms = {} }) => sum + 1 + Object.keys(forms).length, 0);
  const slotCount = 2 ** Math.ceil(Math.log2(urls.length + 1) + 0.5);
  const errors = Object.entries(site.errors ?? {});
  const headCount = files.length + 1;
  const positions = place(slotCount, urls.length, files.length, formCount, headCount, errors.length);
  const block = Buffer.alloc(positions.text);
  const text = new Text(positions.text);
  const number = (path: string | undefined): number => files.findIndex((file) => file.path === path) + 1;

  block.writeUInt32LE(layout.SITE_MAGIC, layout.SITE_AT_MAGIC);
  block.writeUInt16LE(layout.SITE_VERSION, layout.SITE_AT_VERSION);
  for (const { at, count, position } of positions.pairs) {
    block.writeUInt32LE(count, at);
    block.writeUInt32LE(position, at + 4);
  }
  block.writeUInt32LE(number("404.html"), layout.SITE_AT_NOT_FOUND);
  block.writeUInt32LE(number(site.fallback), layout.SITE_AT_FALLBACK);
  block.writeDoubleLE(site.modified, layout.SITE_AT_MODIFIED);
  writeUrls(block, positions, urls, text);
  writeHeads(block, positions, files, text);
  const bodies = writeFiles(block, positions, site, text);
  const source = text.add("bodies");
  block.writeUInt32LE(source.at, positions.sources);
  block.writeUInt32LE(source.length, positions.sources + 4);
  for (const [i, [status, path]] of errors.entries()) {
    block.writeUInt32LE(Number(status), positions.errors + i * layout.ERROR_SIZE);
    block.writeUInt32LE(number(path) - 1, positions.errors + i * layout.ERROR_SIZE + 4);
  }
  const content = Buffer.concat([block, text.bytes()]);
  const index = Buffer.concat([content, Buffer.alloc(-content.length & 7)]);
  index.writeUInt32LE(index.length, layout.SITE_AT_LENGTH);
  return { index, bodies };
}

type Positions = ReturnType<typeof place>;

function place(slots: number, urls: number, files: number, forms: number, heads: number, errors: number) {
  let end: number = layout.SITE_HEADER;
  const pairs: { at: number; count: number; position: number }[] = [];
  const part = (at: number, count: number, size: number): number => {
    const position = end;
    pairs.push({ at, count, position });
    end += count * size;
    return position;
  };
  return {
    slots: part(layout.SITE_AT_SLOTS, slots, 4),
    urls: part(layout.SITE_AT_URLS, urls, layout.URL_SIZE),
    files: part(layout.SITE_AT_FILES, files, layout.FILE_SIZE),
    forms: part(layout.SITE_AT_FORMS, forms, layout.FORM_SIZE),
    heads: part(layout.SITE_AT_HEADS, heads, layout.HEAD_SIZE),
    sources: part(layout.SITE_AT_SOURCES, 1, layout.SOURCE_SIZE),
    errors: part(layout.SITE_AT_ERRORS, errors, layout.ERROR_SIZE),
    text: end,
    pairs,
    slotCount: slots,
  };
}

function writeUrls(block: Buffer, positions: Positions, urls: readonly Url[], text: Text): void {
  for (const [i, { path, kind, flags, file, head }] of urls.entries()) {
    const at = positions.urls + i * layout.URL_SIZE;
    const name = text.add(path);
    block.writeUInt32LE(name.at, at + layout.URL_AT_PATH);
    block.writeUInt16LE(name.length, at + layout.URL_AT_PATH_LENGTH);
    block.writeUInt8(kind, at + layout.URL_AT_KIND);
    block.writeUInt8(flags, at + layout.URL_AT_FLAGS);
    block.writeUInt32LE(file, at + layout.URL_AT_FILE);
    block.writeUInt16LE(head, at + layout.URL_AT_HEAD);
    let slot = fnv1a(Buffer.from(path)) % positions.slotCount;
    while (block.readUInt32LE(positions.slots + slot * 4) !== 0) slot = (slot + 1) % positions.slotCount;
    block.writeUInt32LE(i + 1, positions.slots + slot * 4);
  }
}

function fnv1a(bytes: Buffer): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** The first is that of redirects, then one for each file. */
function writeHeads(block: Buffer, positions: Positions, files: readonly DescribedFile[], text: Text): void {
  const heads = [{ common: "Cache-Control: no-cache\r\n", content: "" }, ...files.map(({ path }) => headOf(path))];
  for (const [i, { common, content }] of heads.entries()) {
    const at = positions.heads + i * layout.HEAD_SIZE;
    block.writeUInt32LE(text.add(common + content).at, at + layout.HEAD_AT_TEXT);
    block.writeUInt16LE(common.length, at + layout.HEAD_AT_COMMON);
    block.writeUInt16LE(content.length, at + layout.HEAD_AT_CONTENT);
  }
}

function writeFiles(block: Buffer, positions: Positions, site: DescribedSite, text: Text): Buffer {
  const bodies: Buffer[] = [];
  let offset = 0;
  let form = 0;
  const writeForm = (body: DescribedBody): void => {
    const bytes = bytesOf(body);
    const at = positions.forms + form++ * layout.FORM_SIZE;
    block.writeDoubleLE(offset, at + layout.FORM_AT_OFFSET);
    block.writeDoubleLE(bytes.length, at + layout.FORM_AT_BYTES);
    offset += bytes.length;
    bodies.push(bytes);
  };
  for (const [i, { path, body, forms = {} }] of site.files.entries()) {
    const at = positions.files + i * layout.FILE_SIZE;
    const name = text.add(path);
    block.writeUInt32LE(form, at + layout.FILE_AT_FORM);
    block.writeUInt32LE(name.at, at + layout.FILE_AT_PATH);
    block.writeUInt16LE(name.length, at + layout.FILE_AT_PATH_LENGTH);
    block.writeUInt16LE(i + 1, at + layout.FILE_AT_HEAD);
    if (site.tagged ?? true) {
      block.writeUInt8(layout.FILE_TAGGED, at + layout.FILE_AT_FLAGS);
      block.write(tagOf(path), at + layout.FILE_AT_TAG, "latin1");
    }
    let mask: number = layout.FORM_IDENTITY;
    writeForm(body);
    for (const name of ["br", "zstd", "gzip"] as const) {
      const other = forms[name];
      if (other === undefined) continue;
      mask |= FORMS[name];
      writeForm(other);
    }
    block.writeUInt8(mask, at + layout.FILE_AT_FORMS);
  }
  return Buffer.concat(bodies);
}
