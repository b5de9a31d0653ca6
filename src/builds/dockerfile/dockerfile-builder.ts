import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { DockerfileDefinition } from "../../config/index.ts";
import { type CompressedLayers, MOST_IMAGE_BYTES, type OpenImage } from "../../images/index.ts";
import type { Clock } from "../../shared/clock.ts";
import { errno, SteppeError, toSteppeError } from "../../shared/errors.ts";
import type { Logger } from "../../shared/log.ts";
import { cancelled, isFull } from "../build-errors.ts";
import { BuildLog } from "../build-log.ts";
import { removeFolder } from "../remove-folder.ts";
import { type BuildFolders, buildLogFile } from "../run-build.ts";
import { runLogged } from "../run-logged.ts";
import type { SourceTree } from "../source-tree.ts";
import { BuildWatch, explainFailure } from "./build-failure.ts";
import { type BuildPlan, shownCommand, type ToolKind } from "./build-plan.ts";
import { writeSecrets } from "./build-secrets.ts";
import { type BuildTool, BuildahTool, DockerTool } from "./build-tool.ts";
import type { BuildahStorage } from "./buildah-build.ts";
import { BuildahCache } from "./buildah-cache.ts";
import { CacheLedger } from "./cache-ledger.ts";
import { DockerCache } from "./docker-cache.ts";
import { Docker } from "./docker-client.ts";
import { DockerImages } from "./docker-images.ts";
import { DockerLabels } from "./docker-labels.ts";
import { endMarked } from "./end-marked.ts";
import { type FoundTool, ToolFinder } from "./find-tool.ts";
import { locateDockerfile } from "./locate-dockerfile.ts";
import { declaredArguments, needsBuildKit, readInstructions } from "./read-dockerfile.ts";
import { shortNames } from "./short-names.ts";
import { BUILDAH_FOLDER, DOCKER_FOLDER, TOOL_FILE } from "./traces.ts";

export interface DockerfileBuilderOptions {
  folders: BuildFolders;
  /** Layers of Docker's archives that are here in their compressed form. */
  layers: CompressedLayers;
  /** Steppe's own, of which the tools are given a part. */
  environment: NodeJS.ProcessEnv;
  clock: Clock;
  log: Logger;
  /** For tests: this tool, whatever else there is. */
  tool?: ToolKind;
  /** For tests: other bounds of what is kept for builds. */
  cacheBounds?: { bytes: number; age: number };
  /** For tests: another bound of an image's bytes. */
  imageBytes?: number;
}

export interface DockerfileRequest {
  app: string;
  /** The deployment's number; it names the workspace and the log. */
  deployment: number;
  /** For STEPPE_TAG: `v2`. */
  tag: string;
  tree: SourceTree;
  dockerfile: DockerfileDefinition;
  progress(message: string): void;
  onLine(line: string): void;
  signal: AbortSignal;
}

/** After the signal, the client has so long to tell the daemon that it goes. Milliseconds. */
const GRACE = 2000;

/** Builds Dockerfiles: by Docker's engine, or by buildah. */
export class DockerfileBuilder {
  readonly #options: DockerfileBuilderOptions;
  readonly #finder: ToolFinder;
  readonly #docker: Docker;
  readonly #images: DockerImages;
  readonly #dockerCache: DockerCache;
  readonly #buildahCache: BuildahCache;
  readonly #labels: DockerLabels;
  readonly #storage: BuildahStorage;
  readonly #buildahEnvironment: () => NodeJS.ProcessEnv;

  constructor(options: DockerfileBuilderOptions) {
    const { folders, environment, clock, cacheBounds } = options;
    const bounds = cacheBounds === undefined ? {} : { bounds: cacheBounds };
    this.#options = options;
    this.#docker = new Docker(environment);
    this.#finder = new ToolFinder(this.#docker, options.tool);
    this.#labels = new DockerLabels(realpathSync(folders.data));
    this.#images = new DockerImages(this.#docker, this.#labels);
    const dockerLedger = new CacheLedger(join(folders.cache, DOCKER_FOLDER));
    this.#dockerCache = new DockerCache({
      docker: this.#docker,
      images: this.#images,
      ledger: dockerLedger,
      clock,
      ...bounds,
    });
    const own = join(folders.cache, BUILDAH_FOLDER);
    this.#storage = { root: join(own, "root"), runRoot: join(own, "run") };
    this.#buildahEnvironment = () => ({ ...environment, ...shortNames(environment, join(own, "registries.conf")) });
    const ledger = new CacheLedger(join(own, "apps"));
    this.#buildahCache = new BuildahCache({ storage: this.#storage, environment, ledger, clock, ...bounds });
  }

  /**
   * The image that the Dockerfile of a tag makes, open until it is disposed of, with all that was written for it. Whatever the build started has ended when this
   * resolves or throws; if it throws, all but the log is removed.
   *
   * Throws BUILD_FAILED, BUILD_TIMEOUT, BUILD_CANCELLED (or the signal's reason, if that is a SteppeError), BUILDER_MISSING,
   * BUILDER_UNAVAILABLE, DISK_FULL, CONFIG_INVALID, FOLDER_MISSING, LINK_OUTSIDE, IMAGE_INVALID, and what the checkout throws.
   */
  async build(request: DockerfileRequest): Promise<OpenImage> {
    const { deployment, tree, signal } = request;
    const { builds, logs } = this.#options.folders;
    const workspace = join(builds, String(deployment));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => removeFolder(workspace));
    try {
      await removeFolder(workspace);
      for (const folder of [logs, workspace]) await mkdir(folder, { recursive: true, mode: 0o700 });
      const checkout = join(workspace, "checkout");
      await mkdir(checkout);
      await tree.checkout(checkout, signal);
      const image = stack.use(await this.#buildCheckout(request, workspace, checkout));
      const open = stack.move();
      return Object.assign(Object.create(null) as object, {
        manifest: image.manifest,
        mediaType: image.mediaType,
        config: image.config,
        layers: image.layers,
        [Symbol.asyncDispose]: () => open.disposeAsync(),
      });
    } catch (error) {
      if (signal.aborted) throw cancelled(tree.label, signal.reason);
      throw toSteppeError(error, "build", tree.label);
    }
  }

  /** Removes what builds of an app keep with the tools. */
  async forget(app: string): Promise<void> {
    await this.#dockerCache.forget(app);
    await this.#buildahCache.forget(app);
  }

  /**
   * Ends and removes what builds left that were running when control ended. What cannot be done now, since a daemon is not there yet, is
   * done when the next build ends.
   */
  async reconcile(): Promise<void> {
    const { builds } = this.#options.folders;
    await endMarked(builds);
    // What is in it was true while the machine, or those programs, ran.
    await removeFolder(this.#storage.runRoot);
    const tools = new Set<string>();
    for (const name of await readdir(builds)) {
      const file = join(builds, name, TOOL_FILE);
      const tool = await readFile(file, "utf8").catch((error: unknown) => {
        if (["ENOENT", "ENOTDIR"].includes(errno(error) ?? "")) return undefined;
        throw error;
      });
      if (tool === undefined) continue;
      tools.add(tool);
      if (tool === "classic") {
        const { mtimeMs } = await stat(file);
        await this.#dutifully(() => this.#images.removeContainers(undefined, mtimeMs));
      }
    }
    if (tools.has("classic") || tools.has("buildkit")) await this.#dutifully(() => this.#dockerCache.tidy());
    if (tools.has("buildah")) await this.#dutifully(() => this.#buildahCache.tidy());
  }

  async #buildCheckout(request: DockerfileRequest, workspace: string, checkout: string): Promise<OpenImage> {
    const { app, deployment, tag, tree, dockerfile, progress, onLine } = request;
    const { folders, environment } = this.#options;
    const place = await locateDockerfile(checkout, dockerfile, tree.label);
    const instructions = readInstructions(await readFile(place.file, "utf8"));
    const secrets = writeSecrets(dockerfile.secrets, { workspace, environment, subject: tree.label });
    const watch = new BuildWatch();
    const hear = (line: string): void => {
      watch.line(line);
      onLine(line);
    };
    const log = new BuildLog(buildLogFile(folders.logs, deployment), hear, secrets.conceal);
    try {
      const buildKit = secrets.files.size > 0 || needsBuildKit(instructions);
      const found = await this.#finder.find({ buildKit }, (line) => log.note(line));
      progress(`building ${dockerfile.file} with ${found.title}`);
      log.note(`with ${found.title}`);
      const offered = Object.entries({ STEPPE_APP: app, STEPPE_TAG: tag });
      const declared = declaredArguments(instructions);
      const args = { ...Object.fromEntries(offered.filter(([name]) => declared.has(name))), ...dockerfile.args };
      const tool = this.#tool(found.kind);
      const { target, platform } = dockerfile;
      const plan: BuildPlan = {
        app,
        workspace,
        place,
        labels: tool.labels(app),
        target,
        args,
        secrets: secrets.files,
        platform,
      };
      await writeFile(join(workspace, TOOL_FILE), found.kind);
      return await this.#run({ ...request, plan, tool, found, log, watch });
    } finally {
      log.close();
    }
  }

  /** Runs the tool to its end, and throws if that was not a good one. */
  async #run(
    build: DockerfileRequest & { plan: BuildPlan; tool: BuildTool; found: FoundTool; log: BuildLog; watch: BuildWatch },
  ): Promise<OpenImage> {
    const { app, plan, tool, log, watch, dockerfile, signal, progress, tree } = build;
    const timeout = AbortSignal.timeout(dockerfile.timeoutMs);
    const either = AbortSignal.any([signal, timeout]);
    const begun = await tool.begin(app);
    let isBuilt = false;
    try {
      const started = performance.now();
      const command = await tool.command(plan);
      log.note(shownCommand(command, plan.workspace));
      const code = await runLogged(command, log, either, GRACE);
      log.close();
      either.throwIfAborted();
      if (code !== 0) throw await this.#failure(build, code);
      progress(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
      const image = await tool.open(plan, either);
      isBuilt = true;
      return image;
    } catch (error) {
      if (either.aborted) await this.#dutifully(() => begun.stop());
      if (!timeout.aborted || signal.aborted) throw error;
      const cause = `the build did not end within ${dockerfile.timeoutMs / 1000} s`;
      const hint = "Raise the app's `dockerfile.timeout`, or find what hangs.";
      throw new SteppeError("BUILD_TIMEOUT", {
        operation: "build",
        subject: tree.label,
        cause,
        hint,
        detail: log.lastLines,
      });
    } finally {
      await this.#dutifully(() => begun.end(isBuilt, watch));
    }
  }

  async #failure(
    {
      app,
      tree,
      found,
      log,
      watch,
      dockerfile,
    }: DockerfileRequest & { found: FoundTool; log: BuildLog; watch: BuildWatch },
    code: number,
  ): Promise<SteppeError> {
    const detail = log.lastLines;
    if (await isFull(this.#options.folders.builds)) {
      const cause = `the disk is full; the build ended with ${code}`;
      return new SteppeError("DISK_FULL", { operation: "build", subject: tree.label, cause, detail });
    }
    const { kind, platform: machine } = found;
    return explainFailure({
      app,
      label: tree.label,
      kind,
      code,
      step: watch.step,
      detail,
      platform: dockerfile.platform,
      machine,
    });
  }

  #tool(kind: ToolKind): BuildTool {
    const { layers, imageBytes: largest = MOST_IMAGE_BYTES } = this.#options;
    if (kind === "buildah") {
      const [cache, environment] = [this.#buildahCache, this.#buildahEnvironment()];
      return new BuildahTool(this.#storage, { cache, environment, largest });
    }
    const [docker, images, labels, cache] = [this.#docker, this.#images, this.#labels, this.#dockerCache];
    return new DockerTool(kind, { docker, images, labels, cache, layers, largest });
  }

  /** What the outcome of a build does not hang on: a daemon that went away is no reason to fail. */
  async #dutifully(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.log.warn(
        { err: error },
        "what a build left with its tool could not be tidied; the next build does it",
      );
    }
  }
}
