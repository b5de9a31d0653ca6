import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { fault } from "../../test/support/fault.ts";
import { testDefinition } from "../../test/support/test-definition.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { FakeClock } from "../shared/clock.ts";
import type { SteppeError } from "../shared/errors.ts";
import { listBackups, newestBackup } from "./backup-files.ts";
import { backupBeforeMigration } from "./backup.ts";
import { BackupSchedule } from "./backup-schedule.ts";
import { migrations } from "./migrations.ts";
import { Store } from "./store.ts";
import { silentLogger } from "../shared/log.ts";

/** The tables, columns and indexes, in a form that can be compared. */
function schemaOf(store: Store): unknown[] {
  return store.all("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name");
}

describe("migrations", () => {
  // A store of each version that was ever released, with data in it, comes to the schema of a new one.
  const versions = migrations.map((_, index) => index + 1);

  test.each(versions)("from version %i", async (version) => {
    await using folder = temporaryFolder();
    const file = folder.file("steppe.db");
    {
      using store = Store.open(file, { steps: migrations.slice(0, version) });
      store.run(
        "INSERT INTO apps (name, definition, push_token, created_at, updated_at) VALUES ('blog', '{}', 'token', 1, 1)",
      );
      store.run("INSERT INTO settings VALUES ('key', 'value')");
    }
    const backups: number[] = [];
    using store = Store.open(file, { beforeMigration: (_, from) => backups.push(from) });
    using fresh = Store.open(":memory:");
    expect(schemaOf(store)).toEqual(schemaOf(fresh));
    expect(store.get("SELECT name, push_token FROM apps")).toEqual({ name: "blog", push_token: "token" });
    expect(store.get("PRAGMA user_version")).toEqual({ user_version: migrations.length });
    expect(backups).toEqual(version === migrations.length ? [] : [version]);
  });

  test("a definition from before clusters says nothing of them", async () => {
    await using folder = temporaryFolder();
    const file = folder.file("steppe.db");
    const { run, nomad, job, compatible, ...before } = testDefinition("blog");
    {
      using store = Store.open(file, {
        steps: migrations.slice(
          0,
          migrations.findIndex((step) => step.includes("'$.run'")),
        ),
      });
      store.run(
        "INSERT INTO apps (name, definition, push_token, created_at, updated_at) VALUES ('blog', ?, 'token', 1, 1)",
        JSON.stringify(before),
      );
    }
    using store = Store.open(file);
    const { definition } = store.get("SELECT definition FROM apps") ?? {};
    expect(JSON.parse(String(definition))).toEqual({ ...before, run, nomad, job, compatible });
  });

  test("a step that fails leaves the store as it was, and a backup of it", async () => {
    await using folder = temporaryFolder();
    const file = folder.file("steppe.db");
    const clock = new FakeClock();
    {
      using store = Store.open(file, { steps: ["CREATE TABLE one (value TEXT) STRICT"] });
      store.run("INSERT INTO one VALUES ('kept')");
    }
    const steps = ["CREATE TABLE one (value TEXT) STRICT", "CREATE TABLE two (value TEXT) STRICT", "NONSENSE"];
    expect(() => Store.open(file, { steps, beforeMigration: backupBeforeMigration(folder.path, clock) })).toThrow(
      /syntax/,
    );
    using store = Store.open(file, { steps: steps.slice(0, 1) });
    expect(store.all("SELECT * FROM one")).toEqual([{ value: "kept" }]);

    const [backup] = listBackups(folder.path);
    expect(backup).toMatchObject({ reason: "before-v1", madeAt: clock.now() });
    using copy = Store.open(backup!.path, { steps: steps.slice(0, 1) });
    expect(copy.all("SELECT * FROM one")).toEqual([{ value: "kept" }]);
    expect(statSync(backup!.path).mode & 0o777).toBe(0o600);
  });

  test("a store of a newer Steppe is refused and not touched", async () => {
    await using folder = temporaryFolder();
    const file = folder.file("steppe.db");
    Store.open(file, { steps: [...migrations, "CREATE TABLE later (value TEXT) STRICT"] }).close();
    expect(fault(() => Store.open(file)).code).toBe("STORE_TOO_NEW");
  });
});

describe("a damaged store", () => {
  /** A store of some size with one backup, closed. */
  async function filled(folder: string): Promise<{ file: string; backups: string }> {
    const file = `${folder}/steppe.db`;
    const backups = folder;
    using store = Store.open(file);
    store.transaction(() => {
      for (let index = 0; index < 2000; index++) {
        store.run("INSERT INTO settings VALUES (?, ?)", `key-${index}`, "value ".repeat(20));
      }
    });
    const schedule = new BackupSchedule({
      database: store.database,
      folder: backups,
      clock: new FakeClock(),
      log: silentLogger,
    });
    await schedule.backUp();
    return { file, backups };
  }

  const offsets = [0, 16, 100, 1000, 4096, 8192, 20_000, 50_000, 100_000, 200_000];

  test.each(offsets)("random bytes at %i: refused naming the newest backup, or sound", async (offset) => {
    await using folder = temporaryFolder();
    const { file, backups } = await filled(folder.path);
    const content = readFileSync(file);
    for (let index = 0; index < 512; index++) content[offset + index] = (index * 7919 + 13) & 0xff;
    writeFileSync(file, content);
    expectRefusedOrSound(file, backups);
  });

  test.each([1, 15, 99, 4095, 4096, 10_000, 100_000])("cut off at %i", async (length) => {
    await using folder = temporaryFolder();
    const { file, backups } = await filled(folder.path);
    truncateSync(file, length);
    const error = fault(() => Store.open(file, { backups }));
    expect(error.code).toBe("STORE_CORRUPT");
    expect(error.hint).toContain(newestBackup(backups));
  });

  test.each(["empty", "gone"])("one that is %s is not taken for a new one", async (what) => {
    await using folder = temporaryFolder();
    const { file, backups } = await filled(folder.path);
    if (what === "empty") truncateSync(file, 0);
    const path = what === "empty" ? file : `${file}.other`;
    const error = fault(() => Store.open(path, { backups }));
    expect(error.code).toBe("STORE_CORRUPT");
    expect(error.hint).toContain(newestBackup(backups));
  });

  test("without a backup the hint is the general one", async () => {
    await using folder = temporaryFolder();
    writeFileSync(folder.file("steppe.db"), "this is no database, ".repeat(100));
    const error = fault(() => Store.open(folder.file("steppe.db"), { backups: folder.file("none") }));
    expect(error.code).toBe("STORE_CORRUPT");
    expect(error.hint).toContain("steppe restore FILE");
  });

  test.each([0, 1, 31, 32, 500, 4152, 5000, 20_000])(
    "the log cut off at %i keeps whole transactions only",
    async (length) => {
      await using folder = temporaryFolder();
      const file = folder.file("steppe.db");
      using store = Store.open(file);
      store.database.exec("PRAGMA wal_autocheckpoint = 0; PRAGMA wal_checkpoint(TRUNCATE)");
      for (let index = 0; index < 20; index++) {
        store.transaction(() => {
          store.run("INSERT INTO settings VALUES (?, 'a')", `${index}-first`);
          store.run("INSERT INTO settings VALUES (?, 'b')", `${index}-second`);
        });
      }
      // As a crash leaves it: both files as they are now, no clean end.
      copyFileSync(file, folder.file("crashed.db"));
      copyFileSync(`${file}-wal`, folder.file("crashed.db-wal"));
      truncateSync(folder.file("crashed.db-wal"), length);
      using crashed = Store.open(folder.file("crashed.db"));
      const keys = crashed.all("SELECT key FROM settings").map((row) => String(row["key"]));
      expect(keys.length % 2).toBe(0);
      for (let index = 0; index < keys.length / 2; index++) {
        expect(keys).toContain(`${index}-first`);
        expect(keys).toContain(`${index}-second`);
      }
    },
  );

  function expectRefusedOrSound(file: string, backups: string): void {
    try {
      Store.open(file, { backups }).close();
    } catch (error) {
      expect(error).toMatchObject({ code: "STORE_CORRUPT" });
      expect((error as SteppeError).hint).toContain(newestBackup(backups));
      return;
    }
    using database = new DatabaseSync(file);
    expect(database.prepare("PRAGMA quick_check(1)").get()).toEqual({ quick_check: "ok" });
  }
});

describe("what waits for a commit", () => {
  test("is called once all is durable, also from within; and not if it failed", () => {
    using store = Store.open(":memory:");
    const called: string[] = [];
    const set = (key: string): void => {
      store.run("INSERT INTO settings VALUES (?, '')", key);
      store.afterCommit(() => called.push(`${key} ${store.database.isTransaction}`));
    };
    store.transaction(() => {
      store.transaction(() => set("a"));
      expect(called).toEqual([]);
    });
    const failing = (): void =>
      store.transaction(() => {
        set("b");
        throw new Error("no");
      });
    expect(failing).toThrow("no");
    set("c");
    expect(called).toEqual(["a false", "c false"]);
  });
});
