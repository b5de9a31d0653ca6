import type { UpOptions } from "../config/index.ts";
import type { Clock } from "../shared/clock.ts";
import { restoreBackup } from "../store/index.ts";
import type { Output } from "./announcer.ts";

/** `steppe restore`: puts a backup in place and says what it did. Returns the exit code; throws what restoreBackup throws. */
export async function restore(options: UpOptions & { restore: string }, output: Output, clock: Clock): Promise<number> {
  const result = await restoreBackup(options.restore, options.data, { force: options.force, clock });
  if (options.json) {
    output.write(`${JSON.stringify(result)}\n`);
    return 0;
  }
  const made = result.createdAt === null ? "" : ` of ${new Date(result.createdAt).toISOString()}`;
  output.write(`restored the backup${made} into ${options.data} (${result.files} files)\n`);
  if (result.movedTo !== null) output.write(`what was there before is in ${result.movedTo}\n`);
  if (result.missingPacks > 0) {
    output.write(
      `${result.missingPacks} packs of content are gone: deploy the tags of releases that do not work again\n`,
    );
  }
  output.write("`steppe up` starts it\n");
  return 0;
}
