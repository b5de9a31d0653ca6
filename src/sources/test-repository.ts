import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** For tests: what a user's git does, with a repository with a work tree. */
export class TestRepository {
  readonly path: string;
  #seconds = Date.UTC(2026, 0, 1) / 1000;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(path: string): Promise<TestRepository> {
    mkdirSync(path, { recursive: true });
    const repository = new TestRepository(path);
    await repository.git("init", "--quiet", "--initial-branch=main");
    return repository;
  }

  /** Runs git; resolves with what it printed on both outputs. Each call happens a minute after the one before. */
  async git(...args: string[]): Promise<string> {
    const date = `${(this.#seconds += 60)} +0000`;
    const { stdout, stderr } = await promisify(execFile)("git", args, {
      cwd: this.path,
      maxBuffer: 64 * 1024 * 1024,
      env: {
        PATH: process.env["PATH"],
        HOME: "/nonexistent",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_TERMINAL_PROMPT: "0",
        GIT_ALLOW_PROTOCOL: "http:file",
        LC_ALL: "C",
        GIT_AUTHOR_NAME: "A",
        GIT_AUTHOR_EMAIL: "a@example.com",
        GIT_COMMITTER_NAME: "A",
        GIT_COMMITTER_EMAIL: "a@example.com",
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_DATE: date,
      },
    });
    return stdout + stderr;
  }

  write(path: string, content: string | Uint8Array): void {
    const file = join(this.path, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  link(path: string, target: string): void {
    const file = join(this.path, path);
    mkdirSync(dirname(file), { recursive: true });
    symlinkSync(target, file);
  }

  /** Commits all that is there; returns the commit. */
  async commit(message = "change"): Promise<string> {
    await this.git("add", "--all", "--force");
    await this.git("commit", "--quiet", "--allow-empty", "-m", message);
    return (await this.git("rev-parse", "HEAD")).trim();
  }
}
