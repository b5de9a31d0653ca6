import { promisify } from "node:util";
import {
  brotliCompress,
  brotliCompressSync,
  type BrotliOptions,
  constants,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
  type ZstdOptions,
} from "node:zlib";
import type { Encoding } from "./types.ts";

/** Something that makes a compressed form. Its name is a key in the store: a change of what it makes is a new version in its name. */
export interface Encoder {
  name: string;
  form: Encoding;
  /** Among encoders of one form, a higher one saves more. */
  level: number;
  encode(content: Uint8Array): Buffer;
  /** The same, on one of Node's own threads. */
  encodeAside(content: Uint8Array): Promise<Buffer>;
}

/** Browsers refuse zstd frames with a window above 8 MiB (RFC 9659). */
const ZSTD_MAX_WINDOW_LOG = 23;

/**
 * All encoders, with their speed on HTML in MB/s of one core. The level is part of the name, since what a slow one made must not
 * be taken for what a fast one makes.
 */
const encoders: readonly Encoder[] = [
  brotli(11), // 1.2
  brotli(9), // 3.4
  brotli(5), // 106
  zstd(19), // 5.8
  zstd(12), // 45
  gzipped(9), // 77
];

/**
 * Which encoders a site gets, by the bytes of its compressible files: the best while it takes seconds, and never more than some
 * minutes of one core: 8 MiB in 8 s, 128 MiB in 65 s, 490 MB in 22 s.
 */
const sizeClasses: ReadonlyArray<{ upTo: number; names: readonly string[] }> = [
  { upTo: 8 * 1024 ** 2, names: ["br11@1", "zstd19@1", "gzip9@1"] },
  { upTo: 128 * 1024 ** 2, names: ["br9@1", "zstd19@1", "gzip9@1"] },
  { upTo: Number.POSITIVE_INFINITY, names: ["br5@1", "zstd12@1", "gzip9@1"] },
];

/** A smaller file fits into a packet anyway. */
const MIN_BYTES = 256;
/** A larger one would take too much memory to compress at once. */
const MAX_BYTES = 64 * 1024 ** 2;

/** Types that shrink; whatever is not listed is either compressed by itself (png, woff2, mp4, …) or rare. */
const COMPRESSIBLE = new Set(
  (
    "html htm xhtml css js mjs cjs json jsonld map xml rss atom svg txt md csv tsv wasm webmanifest manifest ico bmp " +
    "ttf otf eot vtt srt yaml yml toml ics vcf geojson topojson gltf tex ps eps rtf xsl xslt dtd"
  ).split(" "),
);

const byName = new Map(encoders.map((encoder) => [encoder.name, encoder]));

/** Throws for a name that this version does not know. */
export function encoderNamed(name: string): Encoder {
  const encoder = byName.get(name);
  if (encoder === undefined) throw new Error(`there is no encoder ${name}`);
  return encoder;
}

/** The form that an encoder of the store made, or undefined if that version is not current. */
export function encoderForm(name: string): Encoding | undefined {
  return byName.get(name)?.form;
}

/** The names of all encoders that this version knows; what others made is of no use. */
export function currentEncoders(): string[] {
  return [...byName.keys()];
}

/** The encoders for a set of files that has so many compressible bytes. */
export function encodersFor(compressibleBytes: number): Encoder[] {
  const found = sizeClasses.find(({ upTo }) => compressibleBytes <= upTo);
  return (found?.names ?? []).map(encoderNamed);
}

/** Whether it is worth trying to compress a file. */
export function isCompressible(path: string, size: number): boolean {
  if (size < MIN_BYTES || size > MAX_BYTES) return false;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot >= 0 && COMPRESSIBLE.has(name.slice(dot + 1).toLowerCase());
}

/** Whether a form saves enough to be kept: 5 %. */
export function isWorthKeeping(size: number, encodedSize: number): boolean {
  return encodedSize <= size * 0.95;
}

function brotli(level: number): Encoder {
  const optionsFor = (content: Uint8Array): BrotliOptions => ({
    params: {
      [constants.BROTLI_PARAM_QUALITY]: level,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });
  return {
    name: `br${level}@1`,
    form: "br",
    level,
    encode: (content) => brotliCompressSync(content, optionsFor(content)),
    encodeAside: (content) => promisify(brotliCompress)(content, optionsFor(content)),
  };
}

function zstd(level: number): Encoder {
  const optionsFor = (content: Uint8Array): ZstdOptions => {
    // A content beyond the largest window gets that; for others zstd chooses a smaller one by itself.
    const capped = content.length > 2 ** ZSTD_MAX_WINDOW_LOG;
    return {
      params: {
        [constants.ZSTD_c_compressionLevel]: level,
        ...(capped ? { [constants.ZSTD_c_windowLog]: ZSTD_MAX_WINDOW_LOG } : {}),
      },
    };
  };
  return {
    name: `zstd${level}@1`,
    form: "zstd",
    level,
    encode: (content) => zstdCompressSync(content, optionsFor(content)),
    encodeAside: (content) => promisify(zstdCompress)(content, optionsFor(content)),
  };
}

function gzipped(level: number): Encoder {
  return {
    name: `gzip${level}@1`,
    form: "gzip",
    level,
    encode: (content) => gzipSync(content, { level }),
    encodeAside: (content) => promisify(gzip)(content, { level }),
  };
}
