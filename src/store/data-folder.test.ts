import { fork } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { openDataFolder } from "./data-folder.ts";

describe("openDataFolder", () => {
  test("makes it private, with all that belongs in it, and again on what is there", async () => {
    await using folder = temporaryFolder();
    const root = folder.file("deep", "data");
    openDataFolder(root).close();
    chmodSync(root, 0o755);
    using data = openDataFolder(root);
    expect(statSync(root).mode & 0o777).toBe(0o700);
    for (const path of [data.paths.run, data.paths.certificates, data.paths.repositories, data.paths.backups]) {
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
  });

  test("a second one in this process is refused, and after a close it is free", async () => {
    await using folder = temporaryFolder();
    const first = openDataFolder(folder.path);
    expect(() => openDataFolder(folder.path)).toThrow(`process ${process.pid} uses it`);
    first.close();
    openDataFolder(folder.path).close();
  });

  test("is not begun anew where a restore was ended between its two renames", async () => {
    await using folder = temporaryFolder();
    const root = folder.file("data");
    for (const name of [
      "data.before-restore-20261124T120000",
      ".data.restored-20261124T120000",
      ".data.restore-zzzzzz",
    ])
      mkdirSync(folder.file(name));
    expect(() => openDataFolder(root)).toThrow(
      /a restore was ended while it put .*\.data\.restored-20261124T120000 in its place/,
    );
    expect(existsSync(root)).toBe(false);
    renameSync(folder.file(".data.restored-20261124T120000"), root);
    openDataFolder(root).close();
  });

  test("is begun anew if it was removed, whatever is left of a restore that was ended while it unpacked", async () => {
    await using folder = temporaryFolder();
    for (const name of ["data.before-restore-20261124T120000", ".data.restore-Ab3xYz"]) mkdirSync(folder.file(name));
    openDataFolder(folder.file("data")).close();
  });

  test("another process that holds it is named; once it was killed, it is free at once", async () => {
    await using folder = temporaryFolder();
    const script = folder.file("holder.mjs");
    const module = new URL("./data-folder.ts", import.meta.url).href;
    writeFileSync(
      script,
      `import { openDataFolder } from ${JSON.stringify(module)};
       globalThis.held = openDataFolder(process.argv[2]);
       process.send("held");
       setInterval(() => {}, 1000);`,
    );
    const holder = fork(script, [folder.file("data")], { execArgv: [] });
    await once(holder, "message");
    expect(() => openDataFolder(folder.file("data"))).toThrow(
      expect.objectContaining({ code: "ALREADY_RUNNING", reason: `process ${holder.pid} uses it` }),
    );
    holder.kill("SIGKILL");
    await once(holder, "exit");
    openDataFolder(folder.file("data")).close();
  });

  test("removes what a killed process left half-made", async () => {
    await using folder = temporaryFolder();
    mkdirSync(folder.file("backups", ".snapshot-abc", "packs"), { recursive: true });
    writeFileSync(folder.file("backups", "steppe-1.db.7.0.tmp"), "");
    writeFileSync(folder.file("backups", "kept.db"), "");
    openDataFolder(folder.path).close();
    expect(existsSync(folder.file("backups", ".snapshot-abc"))).toBe(false);
    expect(existsSync(folder.file("backups", "steppe-1.db.7.0.tmp"))).toBe(false);
    expect(existsSync(folder.file("backups", "kept.db"))).toBe(true);
  });

  test.each([
    ["a file", "is a file and no folder", (path: string) => writeFileSync(path, "")],
    ["below a file", "is a file and no folder", (path: string) => writeFileSync(path.slice(0, -5), "")],
    [
      "with a folder as its lock",
      "lock file cannot be used",
      (path: string) => mkdirSync(`${path}/run/control.lock`, { recursive: true }),
    ],
  ])("%s is unusable", async (what, reason, make) => {
    await using folder = temporaryFolder();
    const path = what === "below a file" ? folder.file("file", "data") : folder.file("data");
    make(path);
    expect(() => openDataFolder(path)).toThrow(
      expect.objectContaining({ code: "DATA_FOLDER_UNUSABLE", reason: expect.stringContaining(reason) }),
    );
  });

  test("a folder that this user may not write", async (context) => {
    if (process.getuid?.() === 0) return context.skip("root may write everywhere");
    await using folder = temporaryFolder();
    mkdirSync(folder.file("closed"), { mode: 0o500 });
    expect(() => openDataFolder(folder.file("closed", "data"))).toThrow(
      expect.objectContaining({ code: "DATA_FOLDER_UNUSABLE", reason: "this user may not write there" }),
    );
    return undefined;
  });
});
