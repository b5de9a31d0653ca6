/**
 * Media types by file name extension (https://www.iana.org/assignments/media-types). Only what sites hold; the
 * rest is `application/octet-stream`, which browsers save.
 */
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html",
  htm: "text/html",
  css: "text/css",
  js: "text/javascript",
  mjs: "text/javascript",
  cjs: "text/javascript",
  txt: "text/plain",
  text: "text/plain",
  log: "text/plain",
  md: "text/markdown",
  markdown: "text/markdown",
  csv: "text/csv",
  tsv: "text/tab-separated-values",
  ics: "text/calendar",
  vcf: "text/vcard",
  vtt: "text/vtt",
  yaml: "application/yaml",
  yml: "application/yaml",
  toml: "application/toml",
  json: "application/json",
  map: "application/json",
  jsonld: "application/ld+json",
  geojson: "application/geo+json",
  webmanifest: "application/manifest+json",
  xml: "application/xml",
  xsl: "application/xml",
  rss: "application/rss+xml",
  atom: "application/atom+xml",
  xhtml: "application/xhtml+xml",
  wasm: "application/wasm",
  pdf: "application/pdf",
  epub: "application/epub+zip",
  rtf: "application/rtf",
  zip: "application/zip",
  gz: "application/gzip",
  tgz: "application/gzip",
  bz2: "application/x-bzip2",
  xz: "application/x-xz",
  zst: "application/zstd",
  tar: "application/x-tar",
  "7z": "application/x-7z-compressed",
  deb: "application/vnd.debian.binary-package",
  svg: "image/svg+xml",
  png: "image/png",
  apng: "image/apng",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  jxl: "image/jxl",
  bmp: "image/bmp",
  ico: "image/vnd.microsoft.icon",
  tif: "image/tiff",
  tiff: "image/tiff",
  woff: "font/woff",
  woff2: "font/woff2",
  ttf: "font/ttf",
  otf: "font/otf",
  eot: "application/vnd.ms-fontobject",
  mp3: "audio/mpeg",
  m4a: "audio/mp4",
  aac: "audio/aac",
  oga: "audio/ogg",
  ogg: "audio/ogg",
  opus: "audio/ogg",
  wav: "audio/wav",
  flac: "audio/flac",
  mid: "audio/midi",
  weba: "audio/webm",
  mp4: "video/mp4",
  m4v: "video/mp4",
  webm: "video/webm",
  ogv: "video/ogg",
  mov: "video/quicktime",
  m3u8: "application/vnd.apple.mpegurl",
  ts: "video/mp2t",
  glb: "model/gltf-binary",
  gltf: "model/gltf+json",
};

/** Files without an extension whose type their readers insist on. */
const BY_NAME: Readonly<Record<string, string>> = {
  "apple-app-site-association": "application/json",
  LICENSE: "text/plain",
  README: "text/plain",
  CNAME: "text/plain",
};

const UNKNOWN = "application/octet-stream";
const CONTENT_TYPES = withCharsets(TYPES);
const CONTENT_TYPES_BY_NAME = withCharsets(BY_NAME);

/** The value of `Content-Type` for a file: text says that it is UTF-8. */
export function mediaType(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  if (dot <= 0) return CONTENT_TYPES_BY_NAME.get(name) ?? UNKNOWN;
  return CONTENT_TYPES.get(name.slice(dot + 1).toLowerCase()) ?? UNKNOWN;
}

function withCharsets(types: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(types).map(([key, type]) => [key, isText(type) ? `${type}; charset=utf-8` : type]));
}

function isText(type: string): boolean {
  return type.startsWith("text/") || type.endsWith("+xml") || /^application\/(?:xml|yaml|toml)$/.test(type);
}
