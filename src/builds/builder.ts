import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { FileStore, Tree } from "../images/index.ts";
import { reconcileCaches } from "./build-caches.ts";
import { buildUser } from "./build-user.ts";
import { importTree, type KnownFiles } from "./import-tree.ts";
import { removeFolder } from "./remove-folder.ts";
import { type BuildCommand, type BuildFolders, buildLogFile, runBuild } from "./run-build.ts";
import { findSandbox, type Sandbox } from "./sandbox.ts";
import type { SourceTree } from "./source-tree.ts";

export interface BuilderOptions {
  folders: BuildFolders;
  files: FileStore;
  knownFiles: KnownFiles;
  /** For tests: this sandbox and no other. */
  sandbox?: Sandbox["name"];
}

export interface BuildRequest {
  app: string;
  /** The deployment's number. */
  deployment: number;
  /** For the build's STEPPE_TAG: `v2`. */
  tag: string;
  tree: SourceTree;
  /** The folder that is the site, if nothing is built. */
  folder: string;
  /** The command that makes the site, or null. */
  build: BuildCommand | null;
  /** Says what is going on, for the person who waits. */
  progress(message: string): void;
  /** Each line that a build prints. */
  onLine(line: string): void;
  signal: AbortSignal;
}

/** One way from a tag to the files of a site. */
type Strategy = (builder: Builder, request: BuildRequest) => Promise<Tree>;

/** How each kind of app becomes an image. */
const strategies = {
  files: (builder, request) => builder.importFiles(request.tree, request.folder, request),
  command: (builder, request) => builder.buildByCommand(request),
} satisfies Record<string, Strategy>;

function strategyOf({ build }: BuildRequest): Strategy {
  return build === null ? strategies.files : strategies.command;
}

/** Turns tags into the files of images. */
export class Builder {
  readonly #options: BuilderOptions;
  #sandbox: Promise<Sandbox> | undefined;

  constructor(options: BuilderOptions) {
    this.#options = options;
  }

  /**
   * The files of the site that a tag (or an upload) makes, all of them in the file store. Throws what `importTree` and `runBuild` throw, and
   * SANDBOX_MISSING.
   */
  buildImage(request: BuildRequest): Promise<Tree> {
    return strategyOf(request)(this, request);
  }

  importFiles(tree: SourceTree, folder: string, { app, progress, signal }: BuildRequest): Promise<Tree> {
    const { files, knownFiles } = this.#options;
    return importTree({ app, tree, folder, files, knownFiles, progress, signal });
  }

  async buildByCommand(request: BuildRequest): Promise<Tree> {
    const { build } = request;
    if (build === null) throw new TypeError("there is no command");
    const { folders } = this.#options;
    const user = buildUser();
    const sandbox = await this.#findSandbox();
    await using output = await runBuild({ ...request, build, folders, sandbox, user });
    const tree = await this.importFiles(output.tree, build.output, request);
    await output.keepCaches();
    return tree;
  }

  /** The file with the log of a deployment's build, or null if it had none. */
  log(deployment: number): string | null {
    const path = buildLogFile(this.#options.folders.logs, deployment);
    return existsSync(path) ? path : null;
  }

  /** Removes an app's cache folders. */
  async forgetCaches(app: string): Promise<void> {
    await removeFolder(join(this.#options.folders.cache, app));
  }

  /** Removes the logs of these deployments. */
  async removeLogs(deployments: readonly number[]): Promise<void> {
    for (const id of deployments) await rm(buildLogFile(this.#options.folders.logs, id), { force: true });
  }

  /** To be called once at start, before any build: removes what builds left that a crash ended. */
  async reconcile(): Promise<void> {
    const { builds, cache } = this.#options.folders;
    for (const folder of [builds, cache]) await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(builds)) await removeFolder(join(builds, name));
    for (const app of await readdir(cache)) await reconcileCaches(join(cache, app));
  }

  /** Tried once; a machine that has none is tried again, since it may be installed meanwhile. */
  async #findSandbox(): Promise<Sandbox> {
    this.#sandbox ??= findSandbox(buildUser(), this.#options.sandbox);
    try {
      return await this.#sandbox;
    } catch (error) {
      this.#sandbox = undefined;
      throw error;
    }
  }
}
