import { crc32 } from "node:zlib";
import { SteppeError } from "../shared/errors.ts";
import {
  SITE_AT_CRC,
  SITE_AT_LENGTH,
  SITE_AT_MAGIC,
  SITE_AT_MODIFIED,
  SITE_AT_SOURCES,
  SITE_AT_VERSION,
  SITE_HEADER,
  SITE_MAGIC,
  SITE_VERSION,
  SOURCE_SIZE,
} from "./core/layout.ts";

export { SITE_HEADER, SITE_VERSION };

/** What the header of a site index tells those who do not answer from it. */
export interface SiteIndexHead {
  /** What `Last-Modified` says of every file: seconds since 1970. */
  modifiedAt: number;
  /** The names of the places in which bodies lie: packs. */
  sources: string[];
}

/**
 * Whether the bytes are a site index of this version, whole and unchanged since it was written. That it means no harm is not
 * known yet: the core looks through it before it answers from it.
 *
 * Throws CONTENT_CORRUPT.
 *
 * @param subject what to call it in an error: the file's path
 */
export function checkSiteIndex(index: Buffer, subject: string): void {
  if (index.length < SITE_HEADER || index.readUInt32LE(SITE_AT_MAGIC) !== SITE_MAGIC) {
    throw damaged(subject, "it is no site index");
  }
  if (index.readUInt16LE(SITE_AT_VERSION) !== SITE_VERSION) throw damaged(subject, "it is of another version");
  if (index.readUInt32LE(SITE_AT_LENGTH) !== index.length) throw damaged(subject, "it is not whole");
  if (index.readUInt32LE(SITE_AT_CRC) !== crc32(index.subarray(SITE_AT_VERSION))) {
    throw damaged(subject, "its check sum is wrong");
  }
}

/** Whether a site index can be answered from by this version of the core, as far as its first bytes tell. */
export function isSiteIndexOfThisVersion(begin: Buffer): boolean {
  return (
    begin.length >= SITE_AT_VERSION + 2 &&
    begin.readUInt32LE(SITE_AT_MAGIC) === SITE_MAGIC &&
    begin.readUInt16LE(SITE_AT_VERSION) === SITE_VERSION
  );
}

/** Reads the header of a site index. Throws CONTENT_CORRUPT if it is not whole. */
export function readSiteIndexHead(index: Buffer, subject = "the site index"): SiteIndexHead {
  checkSiteIndex(index, subject);
  const count = index.readUInt32LE(SITE_AT_SOURCES);
  const first = index.readUInt32LE(SITE_AT_SOURCES + 4);
  if (first + count * SOURCE_SIZE > index.length) throw damaged(subject, "its sources lie outside of it");
  const sources: string[] = [];
  for (let at = first; at < first + count * SOURCE_SIZE; at += SOURCE_SIZE) {
    const start = index.readUInt32LE(at);
    const end = start + index.readUInt32LE(at + 4);
    if (end > index.length) throw damaged(subject, "a source's name lies outside of it");
    sources.push(index.toString("utf8", start, end));
  }
  return { modifiedAt: index.readDoubleLE(SITE_AT_MODIFIED), sources };
}

/** CONTENT_CORRUPT, of a site index. */
export function damaged(subject: string, cause: string): SteppeError {
  return new SteppeError("CONTENT_CORRUPT", { operation: "read", subject, cause });
}
