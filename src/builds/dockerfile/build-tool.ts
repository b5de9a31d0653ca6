import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CompressedLayers, type OpenImage, readDockerArchive, readOciLayout } from "../../images/index.ts";
import { type Command, runCommand } from "../../shared/run-command.ts";
import { type BuildPlan, IMAGE_ID, type ToolKind } from "./build-plan.ts";
import { buildah, buildahBuild, type BuildahStorage } from "./buildah-build.ts";
import type { BuildahCache } from "./buildah-cache.ts";
import { buildahFailure } from "./buildah-failure.ts";
import { buildahName } from "./buildah-name.ts";
import type { BuildWatch } from "./build-failure.ts";
import { dockerBuild } from "./docker-build.ts";
import type { DockerCache } from "./docker-cache.ts";
import type { Docker } from "./docker-client.ts";
import type { DockerImages } from "./docker-images.ts";
import type { DockerLabels } from "./docker-labels.ts";
import { replaceIgnoreFile } from "./locate-dockerfile.ts";
import { parseBytes } from "./parse-bytes.ts";
import { labelStages } from "./read-dockerfile.ts";
import { checkImageSize } from "./image-size.ts";
import { ofBuild } from "./tool-environment.ts";

/** What is begun before a build is ended after it. */
export interface BegunBuild {
  /** Notes what it left, and removes what nobody wants any more. */
  end(isBuilt: boolean, watch: BuildWatch): Promise<void>;
  /** After a build that was stopped: nothing of it goes on. */
  stop(): Promise<void>;
}

/** A program that builds Dockerfiles. */
export interface BuildTool {
  labels(app: string): Readonly<Record<string, string>>;
  begin(app: string): Promise<BegunBuild>;
  /** The build; it may write into the workspace. */
  command(plan: BuildPlan): Promise<Command>;
  /** The image that was built, open until it is disposed of. */
  open(plan: BuildPlan, signal: AbortSignal): Promise<OpenImage>;
}

interface DockerParts {
  docker: Docker;
  images: DockerImages;
  labels: DockerLabels;
  cache: DockerCache;
  /** Layers of Docker's archives that are here in their compressed form. */
  layers: CompressedLayers;
  /** Bytes that an image may have. */
  largest: number;
}

/** Docker's engine, by BuildKit or the classic builder. */
export class DockerTool implements BuildTool {
  readonly #kind: Exclude<ToolKind, "buildah">;
  readonly #parts: DockerParts;

  constructor(kind: Exclude<ToolKind, "buildah">, parts: DockerParts) {
    this.#kind = kind;
    this.#parts = parts;
  }

  labels(app: string): Record<string, string> {
    return this.#parts.labels.image(app);
  }

  async begin(app: string): Promise<BegunBuild> {
    const { cache, images } = this.#parts;
    const startedAt = Date.now();
    const before = await cache.begin(app);
    return {
      end: (isBuilt, { ids }) => cache.end(app, { before, isBuilt, ids }),
      // The engine notices that the client went away; whether it has ended all by then is not left to chance.
      stop: () => images.removeContainers(app, startedAt),
    };
  }

  async command(plan: BuildPlan): Promise<Command> {
    const { environment } = this.#parts.docker;
    const mark = ofBuild(plan.workspace);
    if (this.#kind === "buildkit") return dockerBuild("buildkit", plan, environment, mark);
    const { file, context, ownIgnoreFile } = plan.place;
    const labelled = join(plan.workspace, "Dockerfile");
    await writeFile(labelled, labelStages(await readFile(file, "utf8"), this.#parts.labels.step(plan.app)));
    // BuildKit and buildah look for it themselves.
    if (ownIgnoreFile !== null) await replaceIgnoreFile(context, await readFile(ownIgnoreFile));
    return dockerBuild("classic", { ...plan, place: { ...plan.place, file: labelled } }, environment, mark);
  }

  async open({ app, workspace }: BuildPlan, signal: AbortSignal): Promise<OpenImage> {
    const { docker, largest, layers } = this.#parts;
    const id = (await readFile(join(workspace, IMAGE_ID), "utf8")).trim();
    const size = Number(await docker.run(["image", "inspect", "--format", "{{.Size}}", id]));
    await checkImageSize({ app, size, largest, folder: workspace });
    const archive = join(workspace, "image.tar");
    await docker.run(["image", "save", "--output", archive, id], { signal, more: ofBuild(workspace) });
    await chmod(archive, 0o600);
    return await readDockerArchive(archive, { layers, signal });
  }
}

/** buildah, on a storage of Steppe's own. */
export class BuildahTool implements BuildTool {
  readonly #storage: BuildahStorage;
  readonly #cache: BuildahCache;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #largest: number;

  /** @param largest bytes that an image may have */
  constructor(
    storage: BuildahStorage,
    { cache, environment, largest }: { cache: BuildahCache; environment: NodeJS.ProcessEnv; largest: number },
  ) {
    this.#largest = largest;
    this.#storage = storage;
    this.#cache = cache;
    this.#environment = environment;
  }

  labels(app: string): Record<string, string> {
    return { "steppe.app": app };
  }

  async begin(app: string): Promise<BegunBuild> {
    await this.#cache.begin();
    return { end: (isBuilt, { ids }) => this.#cache.end(app, { isBuilt, ids }), stop: async () => {} };
  }

  async command(plan: BuildPlan): Promise<Command> {
    return buildahBuild(plan, this.#storage, this.#environment, ofBuild(plan.workspace));
  }

  async open({ app, workspace }: BuildPlan, signal: AbortSignal): Promise<OpenImage> {
    const name = buildahName(app);
    const [listed] = JSON.parse(await this.#run(["images", "--json", name], workspace, signal)) as { size: string }[];
    const size = parseBytes(listed?.size ?? "");
    await checkImageSize({ app, size, largest: this.#largest, folder: workspace });
    await this.#run(["push", "--quiet", name, "oci:image:built"], workspace, signal);
    return await readOciLayout(join(workspace, "image"), { name: "built" });
  }

  async #run(args: readonly string[], workspace: string, signal: AbortSignal): Promise<string> {
    const command = { ...buildah(this.#storage, args, this.#environment, ofBuild(workspace)), cwd: workspace };
    const { code, stdout, stderr } = await runCommand(command, { signal });
    if (code === 0) return stdout.toString("utf8");
    throw buildahFailure(args, stderr);
  }
}
