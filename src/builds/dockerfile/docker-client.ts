import { errno, SteppeError } from "../../shared/errors.ts";
import { runCommand } from "../../shared/run-command.ts";
import { NO_SPACE } from "../build-errors.ts";
import { toolEnvironment } from "./tool-environment.ts";

/** Whatever is asked of a daemon besides a build is answered in this time, or never. Milliseconds. */
const PATIENCE = 120_000;

/** Of a command that belongs to a build. */
export interface DockerRunOptions {
  /** Ends it; then it has no other limit of time. */
  signal?: AbortSignal;
  /** More of its environment. */
  more?: Readonly<Record<string, string>>;
}

/** A daemon that this client reaches. */
export interface DockerVersions {
  client: string;
  server: string;
  /** `linux/amd64` */
  platform: string;
}

/** The `docker` command, for all but the build itself. */
export class Docker {
  readonly environment: NodeJS.ProcessEnv;

  /** @param environment Steppe's own */
  constructor(environment: NodeJS.ProcessEnv) {
    this.environment = environment;
  }

  /**
   * What it printed. Without a signal it has two minutes. Throws BUILDER_MISSING, BUILDER_UNAVAILABLE, DISK_FULL, and BUILD_FAILED with what it said.
   */
  async run(args: readonly string[], options: DockerRunOptions = {}): Promise<string> {
    const result = await this.#try(args, options);
    if (result.code === 0) return result.stdout;
    throw explainDaemon(result.stderr) ?? failed(args, result.stderr);
  }

  /**
   * The same of a command that may fail for some of what it names, since that is gone or in use: whether it ended well, and what it printed
   * of the rest. Throws BUILDER_MISSING, BUILDER_UNAVAILABLE, DISK_FULL.
   */
  async attempt(args: readonly string[]): Promise<{ ok: boolean; stdout: string }> {
    const { code, stdout, stderr } = await this.#try(args);
    const trouble = code === 0 ? undefined : explainDaemon(stderr);
    if (trouble !== undefined) throw trouble;
    return { ok: code === 0, stdout };
  }

  /** Throws BUILDER_MISSING, BUILDER_UNAVAILABLE. */
  async versions(): Promise<DockerVersions> {
    const text = await this.run(["version", "--format", "{{json .}}"]);
    const { Client, Server } = JSON.parse(text) as {
      Client?: { Version?: string };
      Server?: { Version?: string; Os?: string; Arch?: string } | null;
    };
    // Podman calls itself docker, too, and has no daemon.
    if (!Server?.Version) throw unavailable("the program `docker` is not Docker's, or its daemon does not answer");
    return { client: Client?.Version ?? "", server: Server.Version, platform: `${Server.Os}/${Server.Arch}` };
  }

  async #try(
    args: readonly string[],
    { signal, more }: DockerRunOptions = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const timeout = AbortSignal.timeout(PATIENCE);
    const either = signal ?? timeout;
    try {
      const env = toolEnvironment("docker", this.environment, more);
      const { code, stdout, stderr } = await runCommand({ file: "docker", args, env, cwd: "/" }, { signal: either });
      return { code, stdout: stdout.toString("utf8").trim(), stderr };
    } catch (error) {
      if (errno(error) === "ENOENT") throw builderMissing({ cause: error });
      if (timeout.aborted) throw unavailable(`the Docker daemon did not answer within ${PATIENCE / 1000} s`);
      throw error;
    }
  }
}

/** Neither Docker nor buildah is there. */
export function builderMissing(options: ErrorOptions = {}): SteppeError {
  const cause = "a Dockerfile is built by Docker or buildah, and this machine has neither";
  return new SteppeError("BUILDER_MISSING", { operation: "build", subject: "this machine", cause }, options);
}

/**
 * What a message of the client says of the daemon, as an error that tells what to do; undefined if it is about something else.
 *
 * @param text what the client printed
 */
export function explainDaemon(text: string): SteppeError | undefined {
  if (/permission denied while trying to connect|connect: permission denied/i.test(text)) {
    return unavailable(
      "Steppe may not speak to the Docker daemon",
      "Let it: `usermod --append --groups docker USER`, then start Steppe again. Who may speak to Docker is as good as root. Or install buildah.",
    );
  }
  if (
    /Cannot connect to the Docker daemon|Is the docker daemon running|error during connect|failed to connect to the docker API/i.test(
      text,
    )
  ) {
    return unavailable(...unreachable(text));
  }
  if (NO_SPACE.test(text)) {
    const cause = "no space left on the disk that Docker's data is on";
    const hint =
      "See what Docker uses (`docker system df`), and free some; `docker system prune` removes what nothing uses.";
    return new SteppeError("DISK_FULL", { operation: "build", subject: "Docker", cause, hint });
  }
  if (
    /error reading from server: EOF|closing transport|transport is closing|server did not provide an image ID|^(?:ERROR: |ERRO\[\d+\] )?unexpected EOF$/im.test(
      text,
    )
  ) {
    return unavailable(
      "the Docker daemon went away while it built",
      "See `journalctl --unit docker`, then deploy the tag again.",
    );
  }
  return undefined;
}

/** Why it cannot be reached, and what to do: where it is no service of this machine, the client says at which address it looked. */
function unreachable(text: string): [cause: string, hint?: string] {
  const cause = "the Docker daemon does not run, or cannot be reached";
  const [, address] = / (?:Docker daemon|docker API) at (\S+?)\.?(?:\s|$)/.exec(text) ?? [];
  if (address === undefined || address.endsWith("/run/docker.sock")) return [cause];
  const hint =
    "That address is of `DOCKER_HOST` or Docker's context: start Docker there, or correct it. Or install buildah.";
  return [`${cause} at ${address}`, hint];
}

function unavailable(cause: string, hint?: string): SteppeError {
  return new SteppeError("BUILDER_UNAVAILABLE", { operation: "build", subject: "Docker", cause, hint });
}

function failed(args: readonly string[], stderr: string): SteppeError {
  const said = stderr.trim().split("\n").at(-1)?.slice(0, 500) ?? "";
  const cause = `\`docker ${args.slice(0, 2).join(" ")}\` failed: ${said || "it did not say why"}`;
  return new SteppeError("BUILD_FAILED", { operation: "build", subject: "Docker", cause });
}
