import type { Writable } from "node:stream";
import type { SourceEntry, SourceTree } from "../builds/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { killGroup } from "../shared/run-command.ts";
import { ByteReader } from "./byte-reader.ts";
import { checkoutCommit } from "./checkout.ts";
import { drained } from "./drained.ts";
import { type Git, gitFailed } from "./git.ts";

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

  /** Throws FOLDER_MISSING. */
  async list(folder: string): Promise<SourceEntry[]> {
    const { git, repository, commit } = this.#options;
    const path = folder
      .split("/")
      .filter((name) => name !== "" && name !== ".")
      .join("/");
    const args = ["ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", `${commit}:${path}`];
    const result = await git.run({ repository, args }, { maxOutput: 1024 ** 3 });
    if (result.code === 0) return parseTree(result.stdout);
    if (/Not a valid object name|not a tree object/.test(result.stderr) && path !== "") {
      const cause = `there is no folder \`${path}\` in the commit ${commit.slice(0, 12)}`;
      throw new SteppeError("FOLDER_MISSING", { operation: "read", subject: this.label, cause });
    }
    throw gitFailed("GIT_FAILED", "read", this.label, result);
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

/** `MODE TYPE OID SIZE<TAB>PATH<NUL>`, the size after spaces; see https://git-scm.com/docs/git-ls-tree#_output_format */
function parseTree(output: Buffer): SourceEntry[] {
  const entries: SourceEntry[] = [];
  for (let start = 0; start < output.length;) {
    const tab = output.indexOf(9, start);
    const end = output.indexOf(0, tab);
    const head = output.toString("latin1", start, tab);
    const oid = head.indexOf(" ", 7) + 1;
    const size = head.indexOf(" ", oid);
    entries.push({
      path: output.subarray(tab + 1, end),
      kind: kindOf(head.slice(0, 6)),
      size: Number(head.slice(size)) || 0, // a submodule has none: `-`
      oid: Buffer.from(head.slice(oid, size), "hex"),
    });
    start = end + 1;
  }
  return entries;
}

function kindOf(mode: string): SourceEntry["kind"] {
  if (mode.startsWith("100")) return "file";
  if (mode === "120000") return "link";
  return mode === "160000" ? "submodule" : "other";
}
