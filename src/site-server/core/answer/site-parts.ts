import {
  ANSWER_AT_LENGTH,
  FILE_AT_FLAGS,
  FILE_AT_TAG,
  FILE_TAG_LENGTH,
  FILE_TAGGED,
  SITE_AT_SOURCES,
  SOURCE_SIZE,
} from "../layout";
import { ANSWER } from "./buffers";
import { copy } from "./bytes";

/** The address of the name of a source of a checked site index, whose length goes to ANSWER_AT_LENGTH; 0 if it has no such source. */
export function sourceName(site: u32, source: u32): u32 {
  if (source >= load<u32>(site + SITE_AT_SOURCES)) return 0;
  const at = site + load<u32>(site + SITE_AT_SOURCES + 4) + source * SOURCE_SIZE;
  store<u32>(ANSWER + ANSWER_AT_LENGTH, load<u32>(at, 4));
  return site + load<u32>(at);
}

/**
 * Says what names the content of a file.
 *
 * @param file the address of its record: what ANSWER_AT_FILE was
 * @param tag the address of FILE_TAG_LENGTH bytes of text that may stand in an entity tag (RFC 9110, section 8.8.3)
 */
export function setTag(file: u32, tag: u32): void {
  copy(file + FILE_AT_TAG, tag, FILE_TAG_LENGTH);
  store<u8>(file + FILE_AT_FLAGS, load<u8>(file + FILE_AT_FLAGS) | FILE_TAGGED);
}
