import type { Deployer } from "../deployer/index.ts";
import type { HintHandler } from "./hint-queue.ts";
import { isOpenPath } from "./open-paths.ts";
import type { Hint, ImageHint, RefHint } from "./types.ts";

/** Acts on hints: has the deployer ask the registry or the repository whether they are so. */
export class HintActor implements HintHandler {
  readonly #deployer: Pick<Deployer, "imageChanged" | "repositoryChanged">;

  constructor(deployer: Pick<Deployer, "imageChanged" | "repositoryChanged">) {
    this.#deployer = deployer;
  }

  async act(hints: readonly Hint[], webhook: string, signal: AbortSignal): Promise<string> {
    const requestId = `webhook-${webhook}`;
    const images = hints.filter((hint) => hint.kind === "image");
    const refs = hints.filter((hint) => hint.kind === "ref");
    const outcomes: string[] = [];
    const [image] = images;
    if (image !== undefined) {
      const { registry, repository } = image;
      const hinted = { registry, repository, tags: tagsOf(images), isProven: !isOpenPath(webhook) };
      outcomes.push(await this.#deployer.imageChanged(hinted, requestId, signal));
    }
    if (refs.length > 0) outcomes.push(await this.#deployer.repositoryChanged(urlsOf(refs), requestId, signal));
    return outcomes.join(". ");
  }
}

/** Null if one of them does not tell its tag. */
function tagsOf(hints: readonly ImageHint[]): string[] | null {
  const tags = new Set(hints.map(({ tag }) => tag));
  const named = [...tags].filter((tag) => tag !== null);
  return named.length === tags.size ? named : null;
}

function urlsOf(hints: readonly RefHint[]): string[] {
  return [...new Set(hints.flatMap(({ repositoryUrls }) => repositoryUrls))];
}
