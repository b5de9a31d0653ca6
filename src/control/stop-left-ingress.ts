import type { UpOptions } from "../config/index.ts";
import { stopIngress } from "../ingress/index.ts";
import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/log.ts";
import { openDataFolder } from "../store/index.ts";

/**
 * Ends ingress processes that run without control: when Steppe is stopped while control cannot start, nobody else would. Throws
 * ALREADY_RUNNING if there is a control: they are its.
 */
export async function stopLeftIngress({ data }: UpOptions, parts: { clock: Clock; log: Logger }): Promise<void> {
  using folder = openDataFolder(data);
  await stopIngress(folder.paths.root, parts);
}
