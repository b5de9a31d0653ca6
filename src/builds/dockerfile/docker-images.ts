import type { Docker } from "./docker-client.ts";
import { APP_LABEL, type DockerLabels } from "./docker-labels.ts";

/** An image of ours in Docker: one with our labels, and with no name. */
export interface OwnImage {
  id: string;
  app: string;
  /** Bytes that it adds to the image that it was made on. */
  size: number;
}

interface Inspected {
  Id: string;
  Parent?: string;
  Size: number;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  Config: { Labels?: Record<string, string> | null } | null;
}

/** Arguments of one command are bounded by the kernel; so many ids are far from it. */
const AT_ONCE = 200;

/**
 * The images that builds left in Docker. Labels are inherited, by what others build on an image of ours and by what they fetch of it; but we give
 * none a name, so what has one is not ours.
 */
export class DockerImages {
  readonly #docker: Docker;
  readonly #labels: DockerLabels;

  constructor(docker: Docker, labels: DockerLabels) {
    this.#docker = docker;
    this.#labels = labels;
  }

  /** Newest first, as Docker lists them. */
  async list(app?: string): Promise<OwnImage[]> {
    const args = ["image", "ls", "--all", "--quiet", "--no-trunc", ...this.#labels.filter(app)];
    const ids = [...new Set(words(await this.#docker.run(args)))];
    const found: Inspected[] = [];
    for (const some of inPieces(ids)) {
      found.push(...(JSON.parse((await this.#docker.attempt(["image", "inspect", ...some])).stdout) as Inspected[]));
    }
    const sizes = new Map(found.map(({ Id, Size }) => [Id, Size]));
    return found
      .filter(({ RepoTags, RepoDigests }) => isNothing(RepoTags) && isNothing(RepoDigests))
      .map(({ Id, Parent = "", Size, Config }) => ({
        id: Id,
        app: Config?.Labels?.[APP_LABEL] ?? "",
        size: Size - (sizes.get(Parent) ?? 0),
      }));
  }

  /**
   * Removes these and none besides, in as many rounds as they hang on each other; what a container or somebody's image hangs on, stays: Docker
   * refuses it.
   */
  async remove(images: readonly OwnImage[]): Promise<void> {
    for (let left = images.map(({ id }) => id); left.length > 0;) {
      const before = left.length;
      for (const some of inPieces(left)) await this.#docker.attempt(["image", "rm", "--no-prune", ...some]);
      const there = new Set((await this.list()).map(({ id }) => id));
      left = left.filter((id) => there.has(id));
      if (left.length === before) return;
    }
  }

  /**
   * Ends and removes the containers of steps. Those that were made before are somebody's who looks into what a build left.
   *
   * @param app undefined: of all
   * @param since milliseconds since 1970, by the daemon's clock
   */
  async removeContainers(app: string | undefined, since: number): Promise<void> {
    const format = "{{.ID}} {{.CreatedAt}}";
    const args = ["container", "ls", "--all", "--no-trunc", "--format", format, ...this.#labels.stepFilter(app)];
    const lines = (await this.#docker.run(args)).split("\n").filter((line) => line !== "");
    const ids = lines.flatMap((line) => {
      // `ID 2026-11-24 18:48:16 +0000 UTC`
      const [, id = "", date, time, zone] = /^(\S+) (\S+) (\S+) ([+-]\d{4})/.exec(line) ?? [];
      return Date.parse(`${date}T${time}${zone}`) >= Math.floor(since / 1000) * 1000 ? [id] : [];
    });
    // One that goes by itself meanwhile is no failure.
    for (const some of inPieces(ids)) await this.#docker.attempt(["container", "rm", "--force", ...some]);
  }
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function* inPieces(ids: readonly string[]): Generator<string[]> {
  for (let at = 0; at < ids.length; at += AT_ONCE) yield ids.slice(at, at + AT_ONCE);
}

function isNothing(names: readonly string[] | null): boolean {
  return names === null || names.every((name) => name.startsWith("<none>"));
}
