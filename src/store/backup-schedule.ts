import { rmSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { backoffDelay } from "../shared/backoff.ts";
import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/log.ts";
import { type BackupFile, backupFileName, listBackups } from "./backup-files.ts";
import { backupStore } from "./backup.ts";

const DAY = 24 * 60 * 60 * 1000;
/** After a failure (a full disk, say): a minute, doubling up to two hours. */
const RETRY = { first: 60_000, most: 2 * 60 * 60 * 1000 };

export interface BackupScheduleOptions {
  database: DatabaseSync;
  /** Where the copies go: `backups/` of the data folder. */
  folder: string;
  clock: Clock;
  log: Logger;
  /** How many daily copies are kept. Default 7. */
  keepDaily?: number;
  /** How many of those that were made before a migration are kept. Default 5. */
  keepBeforeMigration?: number;
}

/** Copies the store once a day by itself, and removes the oldest copies. */
export class BackupSchedule {
  readonly #options: Required<BackupScheduleOptions>;

  constructor(options: BackupScheduleOptions) {
    this.#options = { keepDaily: 7, keepBeforeMigration: 5, ...options };
  }

  /**
   * Runs until the signal aborts, and resolves then. A copy is made when the newest daily one is a day old, so also soon after a
   * start that comes late. A failure is logged and tried again.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, folder } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      try {
        const delay = failures > 0 ? backoffDelay(RETRY, failures) : this.#untilDue();
        if (!(await sleepUnlessAborted(clock, delay, signal))) return;
        const file = await this.backUp();
        log.info({ file }, "store backed up");
        failures = 0;
      } catch (error) {
        failures++;
        log.error({ err: error, folder, failures }, "the daily backup of the store failed; it will be tried again");
      }
    }
  }

  /** Makes a copy now, and removes those that are too many. Returns the file. */
  async backUp(): Promise<string> {
    const { database, folder, clock } = this.#options;
    const file = join(folder, backupFileName(clock.now(), "daily"));
    await backupStore(database, file);
    this.#prune();
    return file;
  }

  #untilDue(): number {
    const { clock, folder } = this.#options;
    const newest = listBackups(folder).find(isDaily);
    // A clock that was set back must not put the next one off beyond a day.
    return newest === undefined ? 0 : Math.min(DAY, Math.max(0, newest.madeAt + DAY - clock.now()));
  }

  #prune(): void {
    const { folder, keepDaily, keepBeforeMigration } = this.#options;
    const files = listBackups(folder);
    const tooMany = [
      ...files.filter(isDaily).slice(keepDaily),
      ...files.filter((file) => !isDaily(file)).slice(keepBeforeMigration),
    ];
    for (const file of tooMany) rmSync(file.path, { force: true });
  }
}

function isDaily(file: BackupFile): boolean {
  return file.reason === "daily";
}

/** Whether it slept to the end. */
async function sleepUnlessAborted(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, { signal, unref: true });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
