import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { SourceTree } from "../builds/index.ts";
import { syncFolder, writeFileAtomic } from "../shared/atomic-file.ts";
import { type Clock, systemClock } from "../shared/clock.ts";
import { errno, SteppeError, toSteppeError } from "../shared/errors.ts";
import { CommitTree } from "./commit-tree.ts";
import { fetchRemote } from "./fetch-remote.ts";
import { Git, gitFailed, type GitOptions } from "./git.ts";
import { endLeftProcesses, namesIn, removeLeftFiles } from "./leftovers.ts";
import { compareRefs, type RefChanges } from "./ref-changes.ts";
import { listRefs, type Ref } from "./refs.ts";
import { repositoryConfig } from "./repository-config.ts";
import { writeEmptyRepository } from "./write-empty-repository.ts";
import { DEFAULT_LIMITS, type GitLimits, type GitRequest, serveGit } from "./serve-git.ts";

export interface RepositoriesOptions extends GitOptions {
  /** Where the repositories lie. */
  folder: string;
  clock?: Clock;
  limits?: Partial<GitLimits>;
  /** Which transports submodules may be fetched by, as GIT_ALLOW_PROTOCOL has them. Default `https`. */
  submoduleProtocols?: string;
}

/** With so many packs a repository is packed anew. */
const PACKS_BEFORE_MAINTENANCE = 20;
const TEMPORARY = ".new-";
/** What is being removed. */
const GONE = ".gone-";
/** Ends the name of the folder with the repositories of an app's submodules. */
const MODULES = ".modules";

/**
 * The bare git repository of each app. Those who call hold that `app` is an app's name; it is checked all the same, since it
 * becomes a path.
 */
export class Repositories {
  readonly #git: Git;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #limits: GitLimits;
  readonly #submoduleProtocols: string;
  readonly #fetching = new Map<string, Promise<unknown>>();
  #isGitThere = false;

  constructor({ folder, clock = systemClock, limits = {}, submoduleProtocols = "https", ...git }: RepositoriesOptions) {
    this.#git = new Git(git);
    this.#folder = resolve(folder);
    this.#clock = clock;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#submoduleProtocols = submoduleProtocols;
  }

  /** The repository's folder. */
  path(app: string): string {
    if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(app)) {
      const cause = "that is no name of an app";
      throw new SteppeError("APP_NOT_FOUND", {
        operation: "find the repository of",
        subject: JSON.stringify(app),
        cause,
      });
    }
    return join(this.#folder, `${app}.git`);
  }

  /** Makes the repository if it is not there. Either it is whole or it is not there. Throws GIT_MISSING, DISK_FULL. */
  async create(app: string): Promise<void> {
    const path = this.path(app);
    if (existsSync(path)) return;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await this.#requireGit();
    const temporary = await mkdtemp(join(this.#folder, TEMPORARY));
    try {
      await writeEmptyRepository(temporary, repositoryConfig(this.#limits.maxBytes));
      await rename(temporary, path);
      syncFolder(this.#folder);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      if (existsSync(path)) return; // somebody else was quicker
      throw toSteppeError(error, "make the repository of", app);
    }
  }

  /** Throws GIT_MISSING. */
  async #requireGit(): Promise<void> {
    if (this.#isGitThere) return;
    await this.#git.run({ args: ["--version"] });
    this.#isGitThere = true;
  }

  /** Removes it for good; one that is not there is fine. A crash leaves it whole, or none of it under its name. */
  async remove(app: string): Promise<void> {
    const path = this.path(app);
    const gone = await mkdtemp(join(this.#folder, GONE));
    try {
      await rename(path, join(gone, "repository"));
      syncFolder(this.#folder);
    } catch (error) {
      if (errno(error) !== "ENOENT") throw error;
    } finally {
      await rm(gone, { recursive: true, force: true, maxRetries: 3 }); // a push may be writing to it still
    }
    await rm(`${path.slice(0, -".git".length)}${MODULES}`, { recursive: true, force: true });
  }

  /**
   * To be called once at start, before any other: ends what an earlier process left running, removes what it left half-made,
   * and brings each repository's configuration up to date.
   */
  async reconcile(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await endLeftProcesses(this.#folder);
    const config = repositoryConfig(this.#limits.maxBytes);
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      if (name.startsWith(TEMPORARY) || name.startsWith(GONE)) await rm(path, { recursive: true, force: true });
      if (name.endsWith(MODULES)) for (const module of await readdir(path)) await removeLeftFiles(join(path, module));
      if (!name.endsWith(".git")) continue;
      await removeLeftFiles(path);
      if ((await readConfig(path)) !== config) writeFileAtomic(join(path, "config"), config);
    }
  }

  /** See serveGit. The repository is made if it is not there. */
  async serve(request: GitRequest): Promise<void> {
    await this.create(request.app);
    await serveGit({ git: this.#git, root: this.#folder, clock: this.#clock, limits: this.#limits }, request);
  }

  /** Its tags and branches. */
  async refs(app: string): Promise<Ref[]> {
    await this.create(app);
    return listRefs(this.#git, this.path(app), app);
  }

  /**
   * What changed since the refs were as in `seen` (full name to object id). Of a moved ref, `from` is the commit that it led to, as far
   * as that is still known, or else the object.
   */
  async changes(app: string, seen: ReadonlyMap<string, string>): Promise<RefChanges> {
    const changes = compareRefs(await this.refs(app), seen);
    if (changes.moved.length === 0) return changes;
    const input = changes.moved.map(({ from }) => `${from}^{commit}\n`).join("");
    const args = ["cat-file", "--batch-check=%(objectname)"];
    const { stdout } = await this.#git.run({ repository: this.path(app), args, input });
    const commits = stdout.toString("latin1").split("\n");
    const moved = changes.moved.map((ref, index) => {
      const commit = commits[index] ?? "";
      return /^[0-9a-f]+$/.test(commit) ? { ...ref, from: commit } : ref;
    });
    return { ...changes, moved };
  }

  /**
   * Makes the repository be as the remote one is. Calls for one app follow each other. Throws REPOSITORY_INVALID, REMOTE_UNREACHABLE.
   *
   * @returns whether anything was fetched
   */
  async fetch(app: string, url: string, signal: AbortSignal): Promise<boolean> {
    await this.create(app);
    const before = this.#fetching.get(app) ?? Promise.resolve();
    const work = before.then(() => fetchRemote(this.#git, this.path(app), { app, url, signal }));
    const settled = work.catch(() => {}); // whoever called is told; the next in line does not care
    this.#fetching.set(app, settled);
    try {
      return await work;
    } finally {
      if (this.#fetching.get(app) === settled) this.#fetching.delete(app);
    }
  }

  /**
   * A commit's files.
   *
   * @param origin the app's `repository`, if it lives elsewhere
   */
  tree(app: string, commit: string, label: string, origin: string | null = null): SourceTree {
    if (!/^[0-9a-f]{40,64}$/.test(commit)) throw new TypeError(`not a commit's id: ${commit}`);
    const repository = this.path(app);
    return new CommitTree({
      git: this.#git,
      repository,
      commit,
      label,
      submoduleProtocols: this.#submoduleProtocols,
      origin,
    });
  }

  /** Packs a repository anew if there is much to gain; to be called when nobody waits. Returns whether it did. */
  async maintain(app: string, signal: AbortSignal): Promise<boolean> {
    const repository = this.path(app);
    const packs = (await namesIn(join(repository, "objects", "pack"))).filter((name) => name.endsWith(".pack"));
    if (packs.length < PACKS_BEFORE_MAINTENANCE) return false;
    const result = await this.#git.run({ repository, args: ["gc", "--quiet", "--prune=2.weeks.ago"] }, { signal });
    if (result.code !== 0) throw gitFailed("GIT_FAILED", "pack", app, result);
    return true;
  }
}

/** A damaged repository must not keep the others from being served: what it lacks, git says when it is asked for it. */
async function readConfig(repository: string): Promise<string | undefined> {
  try {
    return await readFile(join(repository, "config"), "utf8");
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw error;
  }
}
