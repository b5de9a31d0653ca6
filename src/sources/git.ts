import { type ChildProcess, spawn } from "node:child_process";
import { type ErrorCode, errno, SteppeError } from "../shared/errors.ts";
import { type CommandResult, exitCode, runCommand, type RunOptions } from "../shared/run-command.ts";

/** The most that git may ask for at once: a client packs files of up to 512 MiB as differences, which are put together in memory. */
const LARGEST_ALLOCATION = "600m";

/** Where and as whom git runs. */
export interface GitOptions {
  /** The program. Default `git`, looked up in `PATH`. */
  program?: string;
  /** Default: this process's. git needs it to find ssh and its own helpers. */
  path?: string;
  /**
   * A home folder whose git and ssh configuration (credentials, keys, known hosts, proxies) is honoured when *remotes*
   * are asked. Nothing else ever reads it. Default: none, so only what the address itself holds is used.
   */
  home?: string;
}

/** One run of git. */
export interface GitRun {
  /** The repository's folder, as GIT_DIR. */
  repository?: string;
  args: readonly string[];
  /** More of the environment. */
  env?: Readonly<Record<string, string>>;
  input?: string | Uint8Array;
  /** Which transports may be used, as GIT_ALLOW_PROTOCOL has them (`https:ssh`). Default: none. */
  protocols?: string;
  /** Whether the home folder's configuration counts; see GitOptions. */
  asUser?: boolean;
}

/**
 * Runs git in a closed environment: no configuration of the system or of a user, no prompts, no hooks, no transport that was not
 * named, English messages. See https://git-scm.com/docs/git#_environment_variables
 */
export class Git {
  readonly #program: string;
  readonly #path: string;
  readonly #home: string | undefined;

  constructor({ program = "git", path = process.env["PATH"] ?? "/usr/bin:/bin", home }: GitOptions = {}) {
    this.#program = program;
    this.#path = path;
    this.#home = home;
  }

  /** Runs it to its end, whatever its exit code. Throws GIT_MISSING. */
  async run(run: GitRun, options: RunOptions = {}): Promise<CommandResult> {
    try {
      return await runCommand(
        {
          file: this.#program,
          args: run.args,
          cwd: "/",
          env: this.#environment(run),
          ...(run.input === undefined ? {} : { input: run.input }),
        },
        options,
      );
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** Starts it in a process group of its own, with pipes. */
  start(run: GitRun): GitProcess {
    const child = spawn(this.#program, [...run.args], {
      cwd: "/",
      env: this.#environment(run),
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const exited = exitCode(child).catch((error: unknown) => {
      throw this.#explain(error);
    });
    exited.catch(() => {}); // whoever awaits `exited` is told; nobody has to
    return { child, exited, stderr: tail(child) };
  }

  #environment({ repository, env = {}, protocols = "", asUser = false }: GitRun): Record<string, string> {
    const home = asUser ? this.#home : undefined;
    return {
      PATH: this.#path,
      LC_ALL: "C",
      HOME: home ?? "/nonexistent",
      GIT_CONFIG_NOSYSTEM: "1",
      ...(home === undefined ? { GIT_CONFIG_GLOBAL: "/dev/null" } : {}),
      GIT_ATTR_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      GIT_ASKPASS: "",
      SSH_ASKPASS: "",
      GIT_NO_LAZY_FETCH: "1",
      GIT_NO_REPLACE_OBJECTS: "1",
      // A few kilobytes of a push may say that an object is gigabytes, or unpack to them. What is larger and honest is streamed.
      GIT_ALLOC_LIMIT: LARGEST_ALLOCATION,
      GIT_ALLOW_PROTOCOL: protocols,
      // The repositories are Steppe's own, whoever runs it now: https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory
      GIT_CONFIG_COUNT: "2",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      GIT_CONFIG_KEY_1: "core.hooksPath",
      GIT_CONFIG_VALUE_1: "/dev/null",
      ...(repository === undefined ? {} : { GIT_DIR: repository }),
      ...env,
    };
  }

  #explain(error: unknown): unknown {
    if (errno(error) !== "ENOENT") return error;
    const cause = `\`${this.#program}\` is not there`;
    return new SteppeError("GIT_MISSING", { operation: "run", subject: "git", cause }, { cause: error });
  }
}

export interface GitProcess {
  child: ChildProcess & {
    stdin: NonNullable<ChildProcess["stdin"]>;
    stdout: NonNullable<ChildProcess["stdout"]>;
  };
  /** The exit code, when the process and its pipes are closed. Rejects with GIT_MISSING. */
  exited: Promise<number>;
  /** The last 8 KiB of what it said on standard error. */
  stderr(): string;
}

/** The error for a run of git that failed, with git's own words. DISK_FULL if that is what they say. */
export function gitFailed(
  code: ErrorCode,
  operation: string,
  subject: string,
  { code: exit, stderr }: Pick<CommandResult, "code" | "stderr">,
): SteppeError {
  if (/No space left on device|Disk quota exceeded/.test(stderr)) {
    return new SteppeError("DISK_FULL", { operation, subject, cause: "no space left on the disk" });
  }
  const cause = lastWords(stderr) || `git exited with ${exit}`;
  return new SteppeError(code, { operation, subject, cause, detail: withoutPasswords(stderr.trim()).slice(-2000) });
}

/** What git said last that means something, on one line: it ends some errors with advice that does not. */
export function lastWords(stderr: string): string {
  const lines = withoutPasswords(stderr)
    .split("\n")
    .map((line) => line.replace(/[\u0000-\u001f\u007f]/g, " ").trim())
    .filter((line) => line !== "" && !/^(Please make sure you have|and the repository exists|hint:)/.test(line));
  const last = lines.at(-1) ?? "";
  const vague = /^fatal: (Could not read from remote repository|the remote end hung up)/.test(last);
  const before = lines.at(-2);
  return (vague && before !== undefined ? [before, last] : [last])
    .map((line) => line.replace(/^fatal: /, "").replace(/\.$/, ""))
    .join(": ");
}

/** An address or a message without the passwords in its addresses. */
export function withoutPasswords(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@]*@/gi, "$1***@");
}

function tail(child: ChildProcess): () => string {
  let kept = Buffer.alloc(0);
  child.stderr?.on("data", (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-8192);
  });
  return () => kept.toString("utf8");
}
