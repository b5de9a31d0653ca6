import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { until } from "../../test/support/until.ts";
import { FakeClock } from "../shared/clock.ts";
import { type Logger, silentLogger } from "../shared/log.ts";
import { backupFileName, listBackups, newestBackup } from "./backup-files.ts";
import { BackupSchedule, type BackupScheduleOptions } from "./backup-schedule.ts";
import { backupStore, backupStoreSync, checkStoreFile } from "./backup.ts";
import { Store } from "./store.ts";

const DAY = 24 * 60 * 60 * 1000;

describe("backupStore", () => {
  test("copies a store that is being written to, as of one moment", async () => {
    await using folder = temporaryFolder();
    using store = Store.open(folder.file("steppe.db"));
    store.transaction(() => {
      for (let index = 0; index < 20_000; index++)
        store.run("INSERT INTO settings VALUES (?, ?)", `${index}`, "x".repeat(80));
    });
    const copying = backupStore(store.database, folder.file("copy.db"));
    let isDone = false;
    const finished = copying.finally(() => (isDone = true));
    let pairs = 0;
    while (!isDone && pairs < 500) {
      store.transaction(() => {
        store.run("INSERT INTO settings VALUES (?, 'a')", `pair-${pairs}-a`);
        store.run("INSERT INTO settings VALUES (?, 'b')", `pair-${pairs}-b`);
      });
      pairs++;
      await setImmediate();
    }
    await finished;
    using copy = Store.open(folder.file("copy.db"));
    expect(copy.get("SELECT count(*) % 2 AS odd FROM settings WHERE key LIKE 'pair-%'")).toEqual({ odd: 0 });
    expect(copy.get("SELECT count(*) AS count FROM settings WHERE key NOT LIKE 'pair-%'")).toEqual({ count: 20_000 });
    expect(statSync(folder.file("copy.db")).mode & 0o777).toBe(0o600);
  });

  test("leaves nothing half-made when the folder cannot be written", async () => {
    await using folder = temporaryFolder();
    using store = Store.open(folder.file("steppe.db"));
    await expect(backupStore(store.database, folder.file("none", "copy.db"))).rejects.toThrow(/ENOENT/);
    expect(existsSync(folder.file("none"))).toBe(false);
  });

  test.each(["async", "sync"])("replaces an older copy of the same name (%s)", async (kind) => {
    await using folder = temporaryFolder();
    using store = Store.open(folder.file("steppe.db"));
    const file = folder.file("copy.db");
    writeFileSync(file, "older");
    if (kind === "async") await backupStore(store.database, file);
    else backupStoreSync(store.database, file);
    expect(checkStoreFile(file)).toBe(Number(store.get("PRAGMA user_version")!["user_version"]));
    expect(readdirSync(folder.path).filter((name) => name.startsWith("copy"))).toEqual(["copy.db"]);
  });
});

describe("the files of backups", () => {
  test("their names say when and why, and others are passed over", async () => {
    await using folder = temporaryFolder();
    const first = Date.UTC(2026, 10, 24, 8, 2, 47);
    const names = [backupFileName(first, "daily"), backupFileName(first + 1000, "before-v3")];
    for (const name of [...names, "notes.txt", "steppe-2026-daily.db"]) writeFileSync(folder.file(name), "");
    expect(names[0]).toBe("steppe-20261124T080247Z-daily.db");
    expect(listBackups(folder.path)).toEqual([
      { path: folder.file(names[1]!), reason: "before-v3", madeAt: first + 1000 },
      { path: folder.file(names[0]!), reason: "daily", madeAt: first },
    ]);
    expect(newestBackup(folder.path)).toBe(folder.file(names[1]!));
    expect(newestBackup(folder.file("none"))).toBeUndefined();
  });
});

describe("BackupSchedule", () => {
  /** A schedule that runs until it is disposed of, and the errors that it logs. */
  function start(store: Store, folder: string, clock: FakeClock, keep: Partial<BackupScheduleOptions> = {}) {
    const errors: string[] = [];
    const log: Logger = { ...silentLogger, error: (_, message) => errors.push(message) };
    const stop = new AbortController();
    const running = new BackupSchedule({ database: store.database, folder, clock, log, ...keep }).run(stop.signal);
    return {
      errors,
      async [Symbol.asyncDispose](): Promise<void> {
        stop.abort();
        await running;
      },
    };
  }

  test("makes one at once, one a day, and keeps the newest of each kind", async () => {
    await using folder = temporaryFolder();
    using store = Store.open(folder.file("steppe.db"));
    const clock = new FakeClock();
    for (const version of [1, 2, 3]) {
      writeFileSync(folder.file(backupFileName(clock.now() - version * DAY, `before-v${version}`)), "");
    }
    await using _schedule = start(store, folder.path, clock, { keepDaily: 3, keepBeforeMigration: 2 });
    for (let day = 0; day < 5; day++) {
      await until(() => clock.sleeping === 1);
      await clock.advance(day === 0 ? 0 : DAY);
      await until(() => clock.sleeping === 1);
    }
    const backups = listBackups(folder.path);
    expect(backups.filter((file) => file.reason === "daily").map((file) => clock.now() - file.madeAt)).toEqual([
      0,
      DAY,
      2 * DAY,
    ]);
    expect(backups.filter((file) => file.reason !== "daily").map((file) => file.reason)).toEqual([
      "before-v1",
      "before-v2",
    ]);
  });

  test("a start within the day waits for the rest of it", async () => {
    await using folder = temporaryFolder();
    using store = Store.open(folder.file("steppe.db"));
    const clock = new FakeClock();
    writeFileSync(folder.file(backupFileName(clock.now() - DAY / 2, "daily")), "");
    await using _schedule = start(store, folder.path, clock);
    await clock.advance(DAY / 2 - 1);
    expect(listBackups(folder.path)).toHaveLength(1);
    await clock.advance(1);
    await until(() => clock.sleeping === 1);
    expect(listBackups(folder.path)).toHaveLength(2);
  });

  test("a folder that cannot be looked at ends nothing: it is said, and looked at again", async () => {
    await using folder = temporaryFolder();
    using store = Store.open(folder.file("steppe.db"));
    const clock = new FakeClock();
    const target = folder.file("file");
    writeFileSync(target, "");
    await using schedule = start(store, target, clock);
    await until(() => schedule.errors.length === 1 && clock.sleeping === 1);
    rmSync(target);
    mkdirSync(target);
    await clock.advance(2 * 60_000);
    await until(() => clock.sleeping === 1);
    expect(listBackups(target)).toHaveLength(1);
  });

  test("a failure is said, and tried again after a minute", async () => {
    await using folder = temporaryFolder();
    using store = Store.open(folder.file("steppe.db"));
    const clock = new FakeClock();
    const target = folder.file("later");
    await using schedule = start(store, target, clock);
    await until(() => clock.sleeping === 1);
    await clock.advance(0);
    await until(() => schedule.errors.length === 1 && clock.sleeping === 1);
    mkdirSync(target);
    await clock.advance(2 * 60_000);
    await until(() => clock.sleeping === 1);
    expect(listBackups(target)).toHaveLength(1);
  });
});
