import { DOT, isString, putString, SPACE, toLower, unitAt } from "./ascii";

/**
 * Media types (https://www.iana.org/assignments/media-types), each with the extensions of its files; `~` stands before those that shrink when they are
 * compressed. One literal: a sum of strings would be made when the module runs, and take memory. Only what sites hold; the rest is `application/octet-stream`, which browsers save, and which has the number 0.
 */
const TYPES =
  "application/octet-stream;~text/html html htm;~text/css css;~text/javascript js mjs cjs;~text/plain txt text log;~application/json json map;~text/markdown md markdown;~text/csv csv;~text/tab-separated-values tsv;~text/calendar ics;~text/vcard vcf;~text/vtt vtt;~application/yaml yaml yml;~application/toml toml;~application/ld+json jsonld;~application/geo+json geojson;~application/manifest+json webmanifest;~application/xml xml xsl;~application/rss+xml rss;~application/atom+xml atom;~application/xhtml+xml xhtml;~application/wasm wasm;application/pdf pdf;application/epub+zip epub;~application/rtf rtf;application/zip zip;application/gzip gz tgz;application/x-bzip2 bz2;application/x-xz xz;application/zstd zst;~application/x-tar tar;application/x-7z-compressed 7z;application/vnd.debian.binary-package deb;~image/svg+xml svg;image/png png;image/apng apng;image/jpeg jpg jpeg;image/gif gif;image/webp webp;image/avif avif;image/jxl jxl;~image/bmp bmp;~image/vnd.microsoft.icon ico;image/tiff tif tiff;font/woff woff;font/woff2 woff2;~font/ttf ttf;~font/otf otf;~application/vnd.ms-fontobject eot;audio/mpeg mp3;audio/mp4 m4a;audio/aac aac;audio/ogg oga ogg opus;audio/wav wav;audio/flac flac;audio/midi mid;audio/webm weba;video/mp4 mp4 m4v;video/webm webm;video/ogg ogv;video/quicktime mov;~application/vnd.apple.mpegurl m3u8;video/mp2t ts;model/gltf-binary glb;~model/gltf+json gltf;";
export const TYPE_UNKNOWN: u32 = 0;
export const TYPE_HTML: u32 = 1;
const TYPE_PLAIN: u32 = 4;
const TYPE_JSON: u32 = 5;
/** There are fewer types than that. */
export const TYPES_MOST: u32 = 128;

/** TYPES_MOST x u16: where in TYPES the type begins. */
const starts = memory.data(256);
/** SLOTS x (u16 where in TYPES the extension begins, u8 its length, u8 the number of its type), by hash; the length 0 is an empty slot. */
const SLOTS: u32 = 256;
const slots = memory.data(1024);

const SEMICOLON: u8 = 0x3b;
const SHRINKS: u8 = 0x7e;

/** Reads TYPES. To be called once. */
export function readTypes(): void {
  const length = <u32>TYPES.length;
  let type: u32 = 0;
  for (let at: u32 = 0; at < length; type++) {
    store<u16>(starts + type * 2, <u16>at);
    while (unitAt(TYPES, at) !== SEMICOLON) {
      while (unitAt(TYPES, at) !== SPACE && unitAt(TYPES, at) !== SEMICOLON) at++;
      if (unitAt(TYPES, at) === SEMICOLON) break;
      const start = ++at;
      let hash: u32 = 0;
      for (; unitAt(TYPES, at) !== SPACE && unitAt(TYPES, at) !== SEMICOLON; at++)
        hash = addToHash(hash, unitAt(TYPES, at));
      const slot = emptySlot(hash);
      store<u16>(slot, <u16>start);
      store<u8>(slot, <u8>(at - start), 2);
      store<u8>(slot, <u8>type, 3);
    }
    at++;
  }
}

function addToHash(hash: u32, byte: u8): u32 {
  return hash * 31 + byte;
}

function emptySlot(hash: u32): u32 {
  let i = hash % SLOTS;
  while (load<u8>(slots + i * 4, 2) !== 0) i = (i + 1) % SLOTS;
  return <u32>slots + i * 4;
}

/**
 * The number of a file's type, by the last name of its path.
 *
 * @param name where the name begins
 */
export function typeOf(name: u32, end: u32): u32 {
  let dot = end;
  while (dot > name && load<u8>(dot - 1) !== DOT) dot--;
  if (dot <= name + 1) return typeOfWholeName(name, end - name);
  const length = end - dot;
  let hash: u32 = 0;
  for (let at = dot; at < end; at++) hash = addToHash(hash, toLower(load<u8>(at)));
  for (let i = hash % SLOTS; ; i = (i + 1) % SLOTS) {
    const slot = <u32>slots + i * 4;
    const known = <u32>load<u8>(slot, 2);
    if (known === 0) break;
    if (known === length && isExtension(dot, length, load<u16>(slot))) return load<u8>(slot, 3);
  }
  return TYPE_UNKNOWN;
}

function isExtension(at: u32, length: u32, start: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (toLower(load<u8>(at + i)) !== unitAt(TYPES, start + i)) return false;
  return true;
}

/** Files without an extension whose type their readers insist on. */
function typeOfWholeName(name: u32, length: u32): u32 {
  if (isString(name, length, "apple-app-site-association")) return TYPE_JSON;
  if (isString(name, length, "LICENSE") || isString(name, length, "README")) return TYPE_PLAIN;
  return isString(name, length, "CNAME") ? TYPE_PLAIN : TYPE_UNKNOWN;
}

/** Whether files of a type shrink when they are compressed. */
export function shrinks(type: u32): bool {
  return unitAt(TYPES, load<u16>(starts + type * 2)) === SHRINKS;
}

/** Writes the value of `Content-Type`: text says that it is UTF-8. Returns where it ends. */
export function putType(type: u32, to: u32): u32 {
  const start = to;
  let at = <u32>load<u16>(starts + type * 2) + (shrinks(type) ? 1 : 0);
  for (; unitAt(TYPES, at) !== SPACE && unitAt(TYPES, at) !== SEMICOLON; at++) store<u8>(to++, unitAt(TYPES, at));
  return isText(start, to - start) ? putString("; charset=utf-8", to) : to;
}

function isText(type: u32, length: u32): bool {
  if (isString(type, 5, "text/") || isString(type + length - 4, 4, "+xml")) return true;
  if (isString(type, length, "application/xml") || isString(type, length, "application/yaml")) return true;
  return isString(type, length, "application/toml");
}
