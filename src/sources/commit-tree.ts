import type { Writable } from "node:stream";
import type { SourceEntry, SourceTree } from "../builds/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { killGroup } from "../shared/run-command.ts";
import { ByteReader } from "./byte-reader.ts";
import { checkoutCommit } from "./checkout.ts";
import { drained } from "./drained.ts";
import { type Git, gitFailed } from "./git.ts";
import { listTree } from "./list-tree.ts";

export interface CommitTreeOptions {
  git: Git;
  /** The repository's folder. */
  repository: string;
  /** The commit's full id. */
  commit: string;
  /** What to call it: `blog@v2`. */
  label: string;
  /** Which transports submodules may be fetched by, as GIT_ALLOW_PROTOCOL has them. */
  submoduleProtocols: string;
  /** Where the app's repository lives, if not here: relative addresses of submodules begin there. */
  origin: string | null;
}

/** A commit of a repository, read without a checkout unless one is asked for. */
export class CommitTree implements SourceTree {
  readonly label: string;
  readonly #options: CommitTreeOptions;

  constructor(options: CommitTreeOptions) {
    this.#options = options;
    this.label = options.label;
  }

  /** Throws FOLDER_MISSING, FILE_UNSUPPORTED. */
  async list(folder: string): Promise<SourceEntry[]> {
    const { git, repository, commit } = this.#options;
    const path = folder
      .split("/")
      .filter((name) => name !== "" && name !== ".")
      .join("/");
    try {
      return await listTree({ git, repository, tree: `${commit}:${path}`, label: this.label });
    } catch (error) {
      const isMissing =
        error instanceof SteppeError && /Not a valid object name|not a tree object/.test(error.detail ?? "");
      if (!isMissing || path === "") throw error;
      const cause = `there is no folder \`${path}\` in the commit ${commit.slice(0, 12)}`;
      throw new SteppeError("FOLDER_MISSING", { operation: "read", subject: this.label, cause });
    }
  }

  /** Throws GIT_FAILED. */
  async hasFile(name: string): Promise<boolean> {
    const { git, repository, commit } = this.#options;
    const args = ["ls-tree", "--full-tree", "--end-of-options", commit, name];
    const result = await git.run({ repository, args });
    if (result.code !== 0) throw gitFailed("GIT_FAILED", "read", this.label, result);
    // Modes of files and links: https://git-scm.com/docs/git-fast-import#Documentation/git-fast-import.txt-filemodify
    return /^1[02]0/.test(result.stdout.toString("latin1"));
  }

  /** By one process, however many there are. Throws CONTENT_CORRUPT. */
  async *read(
    entries: readonly SourceEntry[],
  ): AsyncGenerator<{ entry: SourceEntry; content: AsyncIterable<Uint8Array> }> {
    if (entries.length === 0) return;
    const { git, repository } = this.#options;
    const { child, exited, stderr } = git.start({ repository, args: ["cat-file", "--batch", "--buffer"] });
    try {
      const asking = ask(child.stdin, entries);
      asking.catch(() => {}); // what git answers, or that it does not, tells it better
      const reader = new ByteReader(child.stdout as AsyncIterable<Buffer>);
      for (const entry of entries) {
        const [, type, size] = (await reader.line()).split(" ");
        if (type !== "blob") throw this.#corrupt(`the object ${entry.oid?.toString("hex")} is ${type ?? "missing"}`);
        const content = reader.take(Number(size));
        yield { entry, content };
        await reader.skip();
        await reader.line(); // the newline after the content
      }
    } catch (error) {
      if (error instanceof SteppeError) throw error;
      child.stdin.destroy();
      const code = await exited; // throws GIT_MISSING
      if (code !== 0) throw gitFailed("CONTENT_CORRUPT", "read", this.label, { code, stderr: stderr() });
      throw error;
    } finally {
      if (child.exitCode === null) killGroup(child);
    }
  }

  /** With its submodules. Throws GIT_FAILED, DISK_FULL, REMOTE_UNREACHABLE, REPOSITORY_INVALID. */
  async checkout(into: string, signal: AbortSignal): Promise<void> {
    await checkoutCommit(this.#options, into, signal);
  }

  #corrupt(cause: string): SteppeError {
    return new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: this.label, cause });
  }
}

async function ask(stdin: Writable, entries: readonly SourceEntry[]): Promise<void> {
  const PER_WRITE = 500;
  stdin.on("error", () => {}); // the process ended; the reader notices
  for (let at = 0; at < entries.length; at += PER_WRITE) {
    const oids = entries.slice(at, at + PER_WRITE).map((entry) => `${entry.oid?.toString("hex")}\n`);
    if (!stdin.write(oids.join(""))) await drained(stdin);
  }
  stdin.end();
}
