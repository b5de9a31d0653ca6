import { parseObject } from "./registry/json-document.ts";

/** Builders whose images are to be the same whenever they are made write a day at the begin of time: 1970, or 1980 for the sake of ZIP. */
const EARLIEST = Date.UTC(1980, 0, 3);

/**
 * When an image was made, by the word of its config, milliseconds since 1970; null if it does not tell, or tells no real time.
 * https://github.com/opencontainers/image-spec/blob/main/config.md#properties
 */
export function createdAt(config: Buffer): number | null {
  const created = parseObject(config)?.["created"];
  const time = typeof created === "string" ? Date.parse(created) : Number.NaN;
  return time >= EARLIEST ? time : null;
}
