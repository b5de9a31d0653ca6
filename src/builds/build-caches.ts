import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, realpath, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder } from "../shared/atomic-file.ts";
import { errno, SteppeError, toSteppeError } from "../shared/errors.ts";
import { runCommand } from "../shared/run-command.ts";
import { removeFolder } from "./remove-folder.ts";

/** `encodeURIComponent` leaves no `@`, so these end no name of a kept folder. */
const NEW = "@new";
const OLD = "@old";

/**
 * The folders of a checkout that are kept from build to build, such as `node_modules`. A build works on a copy (which costs nothing
 * on file systems that can share blocks), and only one that succeeded takes the kept one's place: a failed build never ruins it.
 */
export class BuildCaches {
  readonly #folder: string;
  readonly #names: readonly string[];
  readonly #subject: string;

  /**
   * @param folder where the app's are kept
   * @param names relative to the checkout
   * @param subject what to call the build in messages
   */
  constructor(folder: string, names: readonly string[], subject: string) {
    this.#folder = folder;
    this.#names = names;
    this.#subject = subject;
  }

  /** Copies what is kept into a fresh checkout. Throws CONFIG_INVALID, DISK_FULL. */
  async bring(checkout: string, signal: AbortSignal): Promise<void> {
    for (const name of this.#names) {
      const path = this.#within(checkout, name);
      await mkdir(dirname(path), { recursive: true });
      const parent = await realpath(dirname(path));
      const isThere = await exists(path);
      if (isThere || parent !== dirname(join(await realpath(checkout), relative(name)))) {
        throw this.#invalid(name, "the repository itself holds it, or a link on the way to it");
      }
      const kept = this.#kept(name);
      if (!existsSync(kept)) continue;
      const args = ["-a", "--reflink=auto", "--no-target-directory", "--", kept, path];
      const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C" };
      const { code, stderr } = await runCommand({ file: "cp", args, env }, { signal });
      if (code !== 0) throw this.#copyFailed(name, stderr);
    }
  }

  /** Keeps what a build that succeeded left. A folder that it did not leave is kept as it was. */
  async keep(checkout: string): Promise<void> {
    try {
      for (const name of this.#names) await this.#keepOne(checkout, name);
    } catch (error) {
      throw toSteppeError(error, "keep the cache folders of", this.#subject);
    }
  }

  async #keepOne(checkout: string, name: string): Promise<void> {
    const path = join(checkout, relative(name));
    // By now the folder is the build's work: nothing in it is followed out.
    if (!(await exists(path)) || !(await lstat(path)).isDirectory()) return;
    if ((await realpath(path)) !== join(await realpath(checkout), relative(name))) return;
    const kept = this.#kept(name);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await removeFolder(kept + NEW);
    await rename(path, kept + NEW);
    if (existsSync(kept)) await rename(kept, kept + OLD);
    await rename(kept + NEW, kept);
    syncFolder(this.#folder);
    await removeFolder(kept + OLD);
  }

  #within(checkout: string, name: string): string {
    const clean = relative(name);
    const names = clean.split("/");
    if (clean === "" || names.includes("..") || name.startsWith("/"))
      throw this.#invalid(name, "it is not within the checkout");
    return join(checkout, clean);
  }

  #kept(name: string): string {
    return join(this.#folder, encodeURIComponent(relative(name)));
  }

  #invalid(name: string, cause: string): SteppeError {
    const parts = {
      operation: "build",
      subject: this.#subject,
      cause: `the cache folder \`${name}\` cannot be used: ${cause}`,
    };
    return new SteppeError("CONFIG_INVALID", { ...parts, hint: "Correct the app's `build.cache`." });
  }

  #copyFailed(name: string, stderr: string): SteppeError {
    const full = /No space left on device|Disk quota exceeded/.test(stderr);
    const cause = full
      ? "no space left on the disk"
      : `the cache folder \`${name}\` cannot be copied: ${stderr.trim().split("\n").at(-1)}`;
    return new SteppeError(full ? "DISK_FULL" : "INTERNAL", { operation: "build", subject: this.#subject, cause });
  }
}

/** Puts right what a crash left of an app's kept folders. */
export async function reconcileCaches(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (name.endsWith(OLD)) {
      const kept = path.slice(0, -OLD.length);
      if (existsSync(kept)) await removeFolder(path);
      else await rename(path, kept);
    } else if (name.endsWith(NEW)) {
      await removeFolder(path);
    }
  }
}

function relative(name: string): string {
  return name
    .split("/")
    .filter((one) => one !== "" && one !== ".")
    .join("/");
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errno(error) === "ENOENT" || errno(error) === "ENOTDIR") return false;
    throw error;
  }
}
