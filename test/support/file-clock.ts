import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Returns when the clock of a folder's file times has gone on: a file that is changed from then on has other times than any that was changed before.
 * It goes in steps of at most 10 ms.
 */
export function passFileTick(folder: string): void {
  const probe = join(folder, ".tick");
  const touch = (): bigint => {
    writeFileSync(probe, "");
    return statSync(probe, { bigint: true }).ctimeNs;
  };
  const first = touch();
  while (touch() === first);
}
