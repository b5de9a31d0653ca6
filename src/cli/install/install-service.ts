import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../../shared/atomic-file.ts";
import { errno, SteppeError } from "../../shared/errors.ts";
import type { CommandResult } from "../../shared/run-command.ts";
import { SYSTEM_DATA_FOLDER } from "../find-server.ts";
import type { Io } from "../io.ts";
import { copyProgram, installedNode } from "./copy-program.ts";
import { API_ADDRESS, hostOfUnit, PROGRAM, SERVICE, SERVICE_USER, unitFile } from "./unit-file.ts";

export interface InstallOptions {
  /** undefined keeps the one of an earlier install. */
  host: string | undefined;
  /** The root of the system that it is installed into: `/`, or a folder, for images. */
  root: string;
  /** Whether systemd runs on it, and is to start the service. */
  isRunning: boolean;
  /** Whether to say what would be done, and do nothing. */
  dryRun: boolean;
  /** Is told each step when it is done, or would be. */
  say(line: string): Promise<void>;
}

type Tools = Pick<Io, "run" | "uid" | "packageRoot" | "execPath" | "clock" | "connect" | "signal">;

const LIBRARY = "/usr/local/lib/steppe";
const UNIT = `/etc/systemd/system/${SERVICE}`;
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const READY_MS = 30_000;

/** One installation: each method is a step that can be done again. */
class Installation {
  readonly #tools: Tools;
  readonly #options: InstallOptions;

  constructor(tools: Tools, options: InstallOptions) {
    this.#tools = tools;
    this.#options = options;
  }

  async run(): Promise<{ unit: string; started: boolean }> {
    const { dryRun, isRunning } = this.#options;
    this.#requireRights();
    const earlier = this.#readUnit();
    const host = this.#options.host ?? (earlier === undefined ? null : hostOfUnit(earlier));
    const unit = unitFile({ host });
    await this.#warnOfMissing();
    await this.#makeUser();
    await this.#step(`${LIBRARY}: the program, with its Node`, () => this.#copyProgram());
    await this.#step(`${PROGRAM}: a link to it`, () => this.#link());
    await this.#step(`${SYSTEM_DATA_FOLDER}: the data folder, mode 0700, of user ${SERVICE_USER}`, () =>
      this.#makeData(),
    );
    const same = earlier === unit;
    await this.#step(`${UNIT}: ${same ? "the unit, as it was" : "the unit"}`, () => this.#writeUnit(unit));
    if (isRunning) await this.#start(same);
    else await this.#enable();
    return { unit, started: isRunning && !dryRun };
  }

  #requireRights(): void {
    const { dryRun, root } = this.#options;
    if (dryRun || this.#tools.uid === 0 || root !== "/") return;
    throw failure(
      SERVICE,
      "only root may install a service",
      "Run `sudo steppe install`, or `steppe install --dry-run` to see.",
    );
  }

  async #step(line: string, work: () => void | Promise<void>): Promise<void> {
    if (!this.#options.dryRun) {
      try {
        await work();
      } catch (error) {
        if (error instanceof SteppeError) throw error;
        throw failure(
          line.split(":", 1)[0] ?? "",
          error instanceof Error ? error.message : String(error),
          undefined,
          error,
        );
      }
    }
    await this.#options.say(line);
  }

  async #warnOfMissing(): Promise<void> {
    if (this.#options.root !== "/") return;
    const wanted = [
      ["git", "git", "pushes and repositories elsewhere need it"],
      ["bwrap", "bubblewrap", "build commands need it, since the service does not run as root"],
    ] as const;
    for (const [program, debianPackage, reason] of wanted) {
      const found = await this.#try(program, ["--version"]);
      if (found === undefined)
        await this.#options.say(`missing: ${program}: ${reason}: apt-get install ${debianPackage}`);
    }
  }

  async #makeUser(): Promise<void> {
    const { root } = this.#options;
    const line = `user ${SERVICE_USER}: a system user of its own`;
    if (this.#userId() !== undefined) return await this.#options.say(`user ${SERVICE_USER}: there already`);
    if (root !== "/" && !existsSync(join(root, "etc/passwd"))) {
      const file = "/usr/lib/sysusers.d/steppe.conf";
      const content = `u ${SERVICE_USER} - "Steppe" ${SYSTEM_DATA_FOLDER}\n`;
      return await this.#step(`${file}: has the first boot make the user`, () => this.#write(file, content));
    }
    await this.#step(line, async () => {
      const where = root === "/" ? [] : ["--prefix", root];
      const account = ["--home-dir", SYSTEM_DATA_FOLDER, "--no-create-home", "--shell", "/usr/sbin/nologin"];
      await this.#must("useradd", [...where, "--system", "--user-group", ...account, SERVICE_USER]);
    });
  }

  async #copyProgram(): Promise<void> {
    const target = this.#path(LIBRARY);
    copyProgram(this.#tools.packageRoot, this.#tools.execPath, target);
    // A Node of a distribution may want libraries beside it.
    await this.#must(installedNode(target), ["--version"]);
  }

  #link(): void {
    const path = this.#path(PROGRAM);
    const target = "../lib/steppe/bin/steppe";
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isSymbolicLink() === true && readlinkSync(path) === target) return;
    if (stats !== undefined && !stats.isSymbolicLink()) {
      throw failure(PROGRAM, "another program is there already", "Move it away first.");
    }
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    symlinkSync(target, path);
  }

  #makeData(): void {
    const path = this.#path(SYSTEM_DATA_FOLDER);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
    const id = this.#userId();
    if (id !== undefined && this.#tools.uid === 0) chownSync(path, id.uid, id.gid);
  }

  #writeUnit(unit: string): void {
    this.#write(UNIT, unit);
  }

  async #enable(): Promise<void> {
    const { root } = this.#options;
    if (root === "/") {
      return await this.#options.say(`systemd does not run here: \`systemctl enable --now ${SERVICE}\` once it does`);
    }
    await this.#step(`${SERVICE}: starts at boot`, async () => {
      await this.#must("systemctl", [`--root=${root}`, "enable", SERVICE]);
    });
  }

  /** Starts it; one that runs already is reloaded, which visitors do not notice, or restarted if its unit changed. */
  async #start(sameUnit: boolean): Promise<void> {
    const active = (await this.#try("systemctl", ["is-active", "--quiet", SERVICE]))?.code === 0;
    const verb = active ? (sameUnit ? "reload" : "restart") : "start";
    await this.#step(`systemctl daemon-reload, enable, ${verb}: it runs now, and after each boot`, async () => {
      await this.#must("systemctl", ["daemon-reload"]);
      await this.#must("systemctl", ["enable", SERVICE]);
      await this.#must("systemctl", [verb, SERVICE]);
      await this.#awaitApi();
    });
  }

  async #awaitApi(): Promise<void> {
    const { clock, connect, signal } = this.#tools;
    const client = await connect({ url: `http://${API_ADDRESS}`, token: null });
    const begin = clock.monotonic();
    for (;;) {
      try {
        return await client.health();
      } catch (error) {
        if (clock.monotonic() - begin < READY_MS) {
          await clock.sleep(250, { signal });
          continue;
        }
        const log = await this.#try("journalctl", [
          "--unit",
          SERVICE,
          "--lines",
          "20",
          "--no-pager",
          "--output",
          "cat",
        ]);
        throw failure(
          SERVICE,
          `its API does not answer after ${READY_MS / 1000} s`,
          "See `journalctl -u steppe`.",
          error,
          log?.stdout.toString(),
        );
      }
    }
  }

  #readUnit(): string | undefined {
    try {
      return readFileSync(this.#path(UNIT), "utf8");
    } catch (error) {
      if (errno(error) === "ENOENT" || errno(error) === "ENOTDIR") return undefined;
      throw error;
    }
  }

  #userId(): { uid: number; gid: number } | undefined {
    const file = this.#path("/etc/passwd");
    if (!existsSync(file)) return undefined;
    const entry = new RegExp(`^${SERVICE_USER}:[^:]*:([0-9]+):([0-9]+):`, "m").exec(readFileSync(file, "utf8"));
    return entry === null ? undefined : { uid: Number(entry[1]), gid: Number(entry[2]) };
  }

  #write(path: string, content: string): void {
    const file = this.#path(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileAtomic(file, content, 0o644);
  }

  #path(path: string): string {
    return join(this.#options.root, path);
  }

  /** undefined if there is no such program. */
  async #try(file: string, args: readonly string[]): Promise<CommandResult | undefined> {
    try {
      return await this.#tools.run({ file, args, env: { PATH } });
    } catch (error) {
      if (errno(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  async #must(file: string, args: readonly string[]): Promise<void> {
    const result = await this.#try(file, args);
    if (result?.code === 0) return;
    const subject = [file, ...args].join(" ");
    if (result === undefined) throw failure(subject, "there is no such program");
    throw failure(subject, `it ended with ${result.code}`, undefined, undefined, result.stderr.trim() || undefined);
  }
}

/**
 * Installs Steppe as a service of systemd: a user of its own, the program with its Node, a data folder, the unit; and starts it.
 * Doing it again upgrades. Rejects with INSTALL_FAILED naming the step.
 */
export async function installService(
  tools: Tools,
  options: InstallOptions,
): Promise<{ unit: string; started: boolean }> {
  return await new Installation(tools, options).run();
}

function failure(subject: string, cause: string, hint?: string, thrown?: unknown, detail?: string): SteppeError {
  return new SteppeError(
    "INSTALL_FAILED",
    {
      operation: "install",
      subject,
      cause,
      hint: hint ?? "Correct that and run it again: what is done already is no harm.",
      detail,
    },
    { cause: thrown },
  );
}
