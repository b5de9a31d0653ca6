import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { SteppeError } from "../../shared/errors.ts";
import type { Command } from "../../shared/run-command.ts";
import { FakeWorld } from "../fake-world.ts";
import type { Client } from "../io.ts";
import { installedNode } from "./copy-program.ts";
import { installService } from "./install-service.ts";
import { hostOfUnit, unitFile } from "./unit-file.ts";

/** A package to install from, and a system to install into. */
function system() {
  const folder = mkdtempSync(join(tmpdir(), "steppe-install-"));
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content, { mode: 0o600 });
  };
  write("package/package.json", JSON.stringify({ files: ["bin", "dist", "LICENSE", "not-there"] }));
  write("package/bin/steppe", "#!/bin/sh\n");
  write("package/dist/cli.js", "one");
  write("package/dist/control.js", "");
  write("package/dist/.stamp", "");
  write("package/src/cli/main.ts", "");
  write("package/LICENSE", "free");
  write("node", "#!/bin/sh\n");
  mkdirSync(join(folder, "root"));
  const commands: string[] = [];
  return {
    folder,
    root: join(folder, "root"),
    write,
    commands,
    codes: new Map<string, number>(),
    /** Whether the service's API answers. */
    health: async (): Promise<void> => {},
    async install(more: { host?: string; dryRun?: boolean; isRunning?: boolean } = {}) {
      const lines: string[] = [];
      const { codes } = this;
      let time = 0;
      const result = await installService(
        {
          uid: process.getuid?.() ?? -1,
          packageRoot: join(folder, "package"),
          execPath: join(folder, "node"),
          clock: { now: () => time, monotonic: () => time, sleep: async (ms) => void (time += ms) },
          signal: new AbortController().signal,
          async run({ file, args }: Command) {
            commands.push([file.replace(folder, ""), ...args].join(" ").replaceAll(folder, ""));
            const code = codes.get([file, args[0]].join(" ")) ?? codes.get(file) ?? 0;
            return {
              code,
              stdout: Buffer.from(file === "journalctl" ? "a line of the log" : ""),
              stderr: code === 0 ? "" : "it broke\n",
            };
          },
          connect: async () => ({ health: this.health }) as unknown as Client,
        },
        {
          host: more.host,
          root: this.root,
          isRunning: more.isRunning ?? false,
          dryRun: more.dryRun ?? false,
          say: async (line) => void lines.push(line),
        },
      );
      return { ...result, lines };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

const unitPath = "etc/systemd/system/steppe.service";
const library = "usr/local/lib/steppe";

describe("installService below a root", () => {
  test("puts everything in its place, readable by the service's user, and says each step", async () => {
    using machine = system();
    const { lines, started } = await machine.install({ host: "steppe.example.com" });
    expect(started).toBe(false);
    expect(lines).toEqual([
      "/usr/lib/sysusers.d/steppe.conf: has the first boot make the user",
      "/usr/local/lib/steppe: the program, with its Node",
      "/usr/local/bin/steppe: a link to it",
      "/var/lib/steppe: the data folder, mode 0700, of user steppe",
      "/etc/systemd/system/steppe.service: the unit",
      "steppe.service: starts at boot",
    ]);
    const at = (path: string): string => join(machine.root, path);
    expect(readFileSync(at("usr/local/bin/steppe"), "utf8")).toBe("#!/bin/sh\n");
    expect(readlinkSync(at("usr/local/bin/steppe"))).toBe("../lib/steppe/bin/steppe");
    for (const path of ["", "bin", "dist", "bin/steppe", "node_modules"]) {
      expect(statSync(at(join(library, path))).mode & 0o777).toBe(0o755);
    }
    expect(statSync(installedNode(at(library))).mode & 0o777).toBe(0o755);
    expect(statSync(at(`${library}/dist/cli.js`)).mode & 0o777).toBe(0o644);
    expect(existsSync(at(`${library}/dist/.stamp`))).toBe(false);
    expect(existsSync(at(`${library}/src`))).toBe(false);
    expect(statSync(at("var/lib/steppe")).mode & 0o777).toBe(0o700);
    expect(hostOfUnit(readFileSync(at(unitPath), "utf8"))).toBe("steppe.example.com");
    expect(machine.commands).toEqual([
      `${installedNode("/root/usr/local/lib/steppe")} --version`,
      "systemctl --root=/root enable steppe.service",
    ]);
  });

  test("again is an upgrade: the new program, the same host", async () => {
    using machine = system();
    await machine.install({ host: "steppe.example.com" });
    machine.write("package/dist/cli.js", "two");
    const { lines } = await machine.install();
    expect(lines).toContain("/etc/systemd/system/steppe.service: the unit, as it was");
    expect(readFileSync(join(machine.root, library, "dist/cli.js"), "utf8")).toBe("two");
    await machine.install({ host: "other.example.com" });
    expect(hostOfUnit(readFileSync(join(machine.root, unitPath), "utf8"))).toBe("other.example.com");
  });

  test("a system with users gets one by useradd; once", async () => {
    using machine = system();
    machine.write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    await machine.install();
    expect(machine.commands[0]).toMatch(
      /^useradd --prefix \/root --system --user-group .*--shell \/usr\/sbin\/nologin steppe$/,
    );
    machine.write(
      "root/etc/passwd",
      `steppe:x:${process.getuid?.()}:${process.getgid?.()}::/var/lib/steppe:/usr/sbin/nologin\n`,
    );
    expect((await machine.install()).lines[0]).toBe("user steppe: there already");
  });

  test("a dry run says the same and does nothing", async () => {
    using machine = system();
    const { lines, unit } = await machine.install({ dryRun: true });
    expect(lines).toHaveLength(6);
    expect(unit).toBe(unitFile({ host: null }));
    expect(machine.commands).toEqual([]);
    expect(existsSync(join(machine.root, "usr"))).toBe(false);
  });

  test.each([
    [
      "a command that fails",
      (machine: ReturnType<typeof system>) => void machine.codes.set("systemctl", 3),
      /systemctl .*: it ended with 3/,
    ],
    [
      "another program of that name",
      (machine: ReturnType<typeof system>) => machine.write("root/usr/local/bin/steppe", "x"),
      /another program is there already/,
    ],
    [
      "a package that is not built",
      (machine: ReturnType<typeof system>) => rmSync(join(machine.folder, "package/dist"), { recursive: true }),
      /its dist\/ is not built/,
    ],
  ])("%s is INSTALL_FAILED", async (_, spoil, message) => {
    using machine = system();
    spoil(machine);
    const error: unknown = await machine.install().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SteppeError);
    expect(error).toMatchObject({ code: "INSTALL_FAILED", message: expect.stringMatching(message) });
  });

  test("where systemd runs: started; by an upgrade reloaded; restarted if the unit is another", async () => {
    using machine = system();
    const verbs = async (host?: string): Promise<string[]> => {
      machine.commands.length = 0;
      const { started } = await machine.install({ isRunning: true, ...(host === undefined ? {} : { host }) });
      expect(started).toBe(true);
      return machine.commands
        .filter((command) => command.startsWith("systemctl"))
        .map((command) => command.split(" ")[1] ?? "");
    };
    machine.codes.set("systemctl is-active", 3);
    expect(await verbs()).toEqual(["is-active", "daemon-reload", "enable", "start"]);
    machine.codes.clear();
    expect(await verbs()).toEqual(["is-active", "daemon-reload", "enable", "reload"]);
    expect(await verbs("steppe.example.com")).toEqual(["is-active", "daemon-reload", "enable", "restart"]);
  });

  test("a service that does not come up is told with its log", async () => {
    using machine = system();
    machine.health = async () => {
      throw new Error("refused");
    };
    const error: unknown = await machine.install({ isRunning: true }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "INSTALL_FAILED",
      reason: "its API does not answer after 30 s",
      detail: "a line of the log",
    });
  });

  test("a link of an earlier way to install is replaced", async () => {
    using machine = system();
    mkdirSync(join(machine.root, "usr/local/bin"), { recursive: true });
    symlinkSync("../lib/node_modules/steppe/bin/steppe", join(machine.root, "usr/local/bin/steppe"));
    await machine.install();
    expect(readlinkSync(join(machine.root, "usr/local/bin/steppe"))).toBe("../lib/steppe/bin/steppe");
  });
});

test("the command: only root may; --dry-run shows the unit; --json", async () => {
  await using world = await FakeWorld.make();
  const refused = await world.run("install");
  expect(refused.code).toBe(5);
  expect(refused.stderr).toContain("only root may install a service [INSTALL_FAILED]\nhint: Run `sudo steppe install`");
  const dry = await world.run("install", "--dry-run", "--host", "Steppe.example.com");
  expect(dry.stdout).toContain("--host steppe.example.com\n");
  const json = JSON.parse((await world.run("install", "--dry-run", "--json")).stdout) as {
    steps: string[];
    unit: string;
  };
  expect(json).toMatchObject({ started: false, unit: unitFile({ host: null }) });
});

const analyze = spawnSync("systemd-analyze", ["--version"]).error === undefined;

describe.skipIf(!analyze)("the unit (systemd-analyze: Debian package systemd)", () => {
  test("is one that systemd takes without a warning", () => {
    using machine = system();
    const file = join(machine.folder, "steppe.service");
    // That the program is there is another question.
    writeFileSync(file, unitFile({ host: "steppe.example.com" }).replace("/usr/local/bin/steppe", "/bin/true"));
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
    expect([status, stderr.split("\n").filter((line) => line.includes("steppe"))]).toEqual([0, []]);
  });

  test("lets go of what the service does not need", () => {
    using machine = system();
    const file = join(machine.folder, "steppe.service");
    writeFileSync(file, unitFile({ host: null }).replace("/usr/local/bin/steppe", "/bin/true"));
    const { stdout } = spawnSync("systemd-analyze", ["security", "--offline=true", "--no-pager", file], {
      encoding: "utf8",
    });
    const exposure = Number(/Overall exposure level for steppe\.service: ([0-9.]+)/.exec(stdout)?.[1]);
    expect(exposure).toBeGreaterThan(0);
    expect(exposure).toBeLessThan(6);
  });
});
