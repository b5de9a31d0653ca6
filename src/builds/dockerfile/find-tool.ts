import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { SteppeError } from "../../shared/errors.ts";
import { runCommand } from "../../shared/run-command.ts";
import type { ToolKind } from "./build-plan.ts";
import { builderMissing, type Docker, type DockerVersions } from "./docker-client.ts";
import { toolEnvironment } from "./tool-environment.ts";

/** A tool that builds Dockerfiles here. */
export interface FoundTool {
  kind: ToolKind;
  /** For the log: `BuildKit of Docker 20.10.24`. */
  title: string;
  /** What it builds for, and runs, by itself: `linux/amd64`. */
  platform: string;
}

/** What is wanted of a tool. */
export interface ToolNeeds {
  /** Secrets, or instructions that the classic builder of Docker does not know. */
  buildKit: boolean;
}

/** Looks which tool there is: Docker's, with the newest builder that it has, or else buildah. */
export class ToolFinder {
  readonly #docker: Docker;
  readonly #only: ToolKind | undefined;
  /** What a client and a daemon can do together, by their versions. */
  readonly #known = new Map<string, "buildkit" | "classic">();

  /** @param only for tests: this one, whatever else there is */
  constructor(docker: Docker, only?: ToolKind) {
    this.#docker = docker;
    this.#only = only;
  }

  /**
   * Asked anew for each build, since daemons come and go; what a version of it can do is tried out once.
   * Throws BUILDER_MISSING, BUILDER_UNAVAILABLE.
   *
   * @param note says why it is not the first choice
   */
  async find({ buildKit }: ToolNeeds, note: (line: string) => void): Promise<FoundTool> {
    const looked = this.#only === "buildah" ? Promise.reject(builderMissing()) : this.#findDocker();
    const docker = await looked.catch((error: unknown) => error as SteppeError);
    if (!(docker instanceof Error) && (docker.kind === "buildkit" || !buildKit)) return docker;
    const buildah = this.#only === undefined || this.#only === "buildah" ? await this.#findBuildah() : undefined;
    if (buildah !== undefined) {
      if (docker instanceof SteppeError && docker.code !== "BUILDER_MISSING") note(`not by Docker: ${docker.reason}`);
      return buildah;
    }
    if (docker instanceof Error) throw docker;
    throw new SteppeError("BUILDER_UNAVAILABLE", {
      operation: "build",
      subject: "Docker",
      cause:
        "the Dockerfile, or the app's `dockerfile.secrets`, needs BuildKit, and Docker has only its classic builder here",
      hint: "Install Docker's buildx (`apt-get install docker-buildx`, or the package `docker-buildx-plugin` of Docker itself), or buildah (`apt-get install buildah`).",
    });
  }

  async #findDocker(): Promise<FoundTool> {
    const versions = await this.#docker.versions();
    const key = `${versions.client} ${versions.server}`;
    const kind = this.#known.get(key) ?? (await this.#tryOut(versions));
    this.#known.set(key, kind);
    const builder = kind === "buildkit" ? "BuildKit" : "the classic builder";
    return { kind, title: `${builder} of Docker ${versions.server}`, platform: versions.platform };
  }

  /** A client of 23 or later needs its plugin buildx for BuildKit; one before speaks with it itself, if the daemon has it (18.09). */
  async #tryOut({ client, server }: DockerVersions): Promise<"buildkit" | "classic"> {
    if (this.#only === "classic") return "classic";
    const hasClient = major(client) < 23 ? major(client) >= 19 : (await this.#docker.attempt(["buildx", "version"])).ok;
    return hasClient && major(server) >= 19 ? "buildkit" : "classic";
  }

  async #findBuildah(): Promise<FoundTool | undefined> {
    const env = toolEnvironment("buildah", this.#docker.environment);
    if (!(await isThere("buildah", env["PATH"] ?? ""))) return undefined;
    const { code, stdout } = await runCommand({ file: "buildah", args: ["--version"], env, cwd: "/" });
    if (code !== 0) return undefined;
    const [, version = ""] = /version (\S+)/.exec(stdout.toString()) ?? [];
    const machine = process.arch === "x64" ? "amd64" : process.arch;
    return { kind: "buildah", title: `buildah ${version}`, platform: `linux/${machine}` };
  }
}

async function isThere(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter)) {
    try {
      await access(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // not in this one
    }
  }
  return false;
}

function major(version: string): number {
  return Number.parseInt(version, 10) || 0;
}
