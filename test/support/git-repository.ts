import { mkdirSync, writeFileSync } from "node:fs";
import { devNull } from "node:os";
import { dirname, join } from "node:path";
import { type CommandResult, runCommand } from "../../src/shared/run-command.ts";

/** The environment in which git sees no configuration of this machine or user, and asks for nothing. */
export const gitEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env["PATH"] ?? "/usr/bin:/bin",
  HOME: "/nonexistent",
  GIT_CONFIG_GLOBAL: devNull,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "Test",
  GIT_AUTHOR_EMAIL: "test@example.com",
  GIT_COMMITTER_NAME: "Test",
  GIT_COMMITTER_EMAIL: "test@example.com",
};

/** A repository with a work tree, for tests: `await GitRepository.init(folder)`. */
export class GitRepository {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes an empty repository with the branch `main`; the folder may exist and hold files. */
  static async init(folder: string): Promise<GitRepository> {
    mkdirSync(folder, { recursive: true });
    const repository = new GitRepository(folder);
    await repository.git("init", "--quiet", "--initial-branch=main");
    return repository;
  }

  /** Runs git and gives what it printed; throws with what it said if it fails. */
  async git(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryGit(...args);
    if (code !== 0) throw new Error(`git ${args.join(" ")} exited with ${code}: ${stderr}`);
    return stdout.toString("utf8").trim();
  }

  /** Runs git with this on its standard input; throws with what it said if it fails. */
  async gitWithInput(input: string | Uint8Array, ...args: string[]): Promise<string> {
    const command = { file: "git", args, cwd: this.folder, env: gitEnvironment, input };
    const { code, stdout, stderr } = await runCommand(command);
    if (code !== 0) throw new Error(`git ${args.join(" ")} exited with ${code}: ${stderr}`);
    return stdout.toString("utf8").trim();
  }

  /** Runs git; the caller looks at the exit code. */
  async tryGit(...args: string[]): Promise<CommandResult> {
    return await runCommand({ file: "git", args, cwd: this.folder, env: gitEnvironment });
  }

  /** Writes files by path, making folders as needed. */
  write(files: Readonly<Record<string, string | Uint8Array>>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), content);
    }
  }

  /** Writes the files, commits everything that is there and gives the commit's id. */
  async commit(files: Readonly<Record<string, string | Uint8Array>> = {}, message = "Change"): Promise<string> {
    this.write(files);
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--allow-empty", `--message=${message}`);
    return await this.git("rev-parse", "HEAD");
  }

  /** Commits, and names the commit with a tag. */
  async tag(name: string, files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<string> {
    const commit = await this.commit(files, name);
    await this.git("tag", name);
    return commit;
  }
}
