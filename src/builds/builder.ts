import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DockerfileDefinition } from "../config/index.ts";
import type { CompressedLayers, FileStore, OpenImage, Tree } from "../images/index.ts";
import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/log.ts";
import { reconcileCaches } from "./build-caches.ts";
import { buildUser } from "./build-user.ts";
import type { DockerfileBuilder } from "./dockerfile/dockerfile-builder.ts";
import { findDockerfile } from "./dockerfile/find-dockerfile.ts";
import { BUILDAH_FOLDER, DOCKER_FOLDER, TOOL_FILE } from "./dockerfile/traces.ts";
import { importTree, type KnownFiles } from "./import-tree.ts";
import { removeFolder } from "./remove-folder.ts";
import { type BuildCommand, type BuildFolders, buildLogFile, runBuild } from "./run-build.ts";
import { findSandbox, type Sandbox } from "./sandbox.ts";
import type { SourceTree } from "./source-tree.ts";

export interface BuilderOptions {
  folders: BuildFolders;
  files: FileStore;
  knownFiles: KnownFiles;
  /** Layers of Docker's archives that are here in their compressed form. */
  layers: CompressedLayers;
  clock: Clock;
  log: Logger;
  /** Steppe's own environment: of it, tools that build Dockerfiles are given how they reach a daemon, and secrets are taken. */
  environment: NodeJS.ProcessEnv;
  /** For tests: other bounds of what tools keep for builds. */
  cacheBounds?: { bytes: number; age: number };
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
  /** The Dockerfile that makes the image, or, if it is `auto`, may do so, or null. */
  dockerfile: DockerfileDefinition | null;
  /** Says what is going on, for the person who waits. */
  progress(message: string): void;
  /** Each line that a build prints. */
  onLine(line: string): void;
  signal: AbortSignal;
}

/** What came of a build: the files of a site, all of them in the file store, or an image that a Dockerfile made, open until it is disposed of. */
export type BuildResult = { kind: "files"; tree: Tree } | { kind: "image"; image: OpenImage };

/** One way from a tag to an image. */
type Strategy = (builder: Builder, request: BuildRequest) => Promise<BuildResult>;

/** How each kind of app becomes an image. */
const strategies = {
  files: async (builder, request) => ({
    kind: "files",
    tree: await builder.importFiles(request.tree, request.folder, request),
  }),
  command: async (builder, request) => ({ kind: "files", tree: await builder.buildByCommand(request) }),
  dockerfile: async (builder, request) => ({ kind: "image", image: await builder.buildDockerfile(request) }),
} satisfies Record<string, Strategy>;

async function strategyOf(request: BuildRequest): Promise<Strategy> {
  if ((await findDockerfile(request.tree, request)) !== null) return strategies.dockerfile;
  return request.build === null ? strategies.files : strategies.command;
}

const TOOL_FOLDERS = [DOCKER_FOLDER, BUILDAH_FOLDER];

/** Turns tags into the files of images. */
export class Builder {
  readonly #options: BuilderOptions;
  #sandbox: Promise<Sandbox> | undefined;
  #dockerfiles: Promise<DockerfileBuilder> | undefined;

  constructor(options: BuilderOptions) {
    this.#options = options;
  }

  /**
   * What a tag, or an upload, makes. Throws what `importTree`, `runBuild` and DockerfileBuilder throw, and SANDBOX_MISSING.
   */
  async buildImage(request: BuildRequest): Promise<BuildResult> {
    const strategy = await strategyOf(request);
    return await strategy(this, request);
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

  async buildDockerfile(request: BuildRequest): Promise<OpenImage> {
    const { dockerfile } = request;
    if (dockerfile === null) throw new TypeError("there is no Dockerfile");
    const dockerfiles = await this.#openDockerfiles();
    return await dockerfiles.build({ ...request, dockerfile });
  }

  /** The file with the log of a deployment's build, or null if it had none. */
  log(deployment: number): string | null {
    const path = buildLogFile(this.#options.folders.logs, deployment);
    return existsSync(path) ? path : null;
  }

  /** Removes what builds of an app keep from one to the next: folders, and what tools keep. */
  async forgetCaches(app: string): Promise<void> {
    const { cache } = this.#options.folders;
    await removeFolder(join(cache, app));
    if (TOOL_FOLDERS.some((name) => existsSync(join(cache, name)))) await (await this.#openDockerfiles()).forget(app);
  }

  /** Removes the logs of these deployments. */
  async removeLogs(deployments: readonly number[]): Promise<void> {
    for (const id of deployments) await rm(buildLogFile(this.#options.folders.logs, id), { force: true });
  }

  /** To be called once at start, before any build: removes what builds left that a crash ended. */
  async reconcile(): Promise<void> {
    const { builds, cache } = this.#options.folders;
    for (const folder of [builds, cache]) await mkdir(folder, { recursive: true, mode: 0o700 });
    const workspaces = await readdir(builds);
    const traces = [...workspaces.map((name) => join(builds, name, TOOL_FILE)), join(cache, BUILDAH_FOLDER)];
    if (traces.some((path) => existsSync(path))) await (await this.#openDockerfiles()).reconcile();
    for (const name of workspaces) await removeFolder(join(builds, name));
    // What begins so is no app's.
    const apps = (await readdir(cache)).filter((name) => !name.startsWith("@"));
    for (const app of apps) await reconcileCaches(join(cache, app));
  }

  /** Loaded when a Dockerfile is first built: many a platform has none. */
  #openDockerfiles(): Promise<DockerfileBuilder> {
    this.#dockerfiles ??= import("./dockerfile/dockerfile-builder.ts").then(
      (module) => new module.DockerfileBuilder(this.#options),
    );
    return this.#dockerfiles;
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
