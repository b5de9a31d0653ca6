import { repositoryKey } from "../sources/index.ts";
import type { AppRegistry } from "./app-registry.ts";
import { aborted } from "./aborted.ts";
import type { RefWatch } from "./ref-watch.ts";
import type { HintedImage, RefsReport } from "./types.ts";

interface Parts {
  registry: AppRegistry;
  refs: RefWatch;
}

/** Which apps a hint is of, and a look at each of them. What a hint says is not believed: it only says where to look. */
export class HintedApps {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** See `Deployer.imageChanged`. */
  async imageChanged({ registry, repository }: HintedImage, _requestId: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    return `no app has the image ${registry}/${repository}`;
  }

  /** See `Deployer.repositoryChanged`. */
  async repositoryChanged(urls: readonly string[], requestId: string, signal: AbortSignal): Promise<string> {
    const hinted = new Set(urls.map(repositoryKey));
    const apps = this.#parts.registry.all().flatMap(({ name, definition: { repository } }) => {
      return repository !== null && hinted.has(repositoryKey(repository)) ? [name] : [];
    });
    if (apps.length === 0) return `no app has the repository ${urls[0] ?? ""}`;
    const look = async (app: string): Promise<string> => describe(app, await this.#parts.refs.look(app, requestId));
    return await aborted(signal, everyOf(apps.map(look)));
  }
}

function describe(app: string, { queued, notes }: RefsReport): string {
  const said = [...queued.map(({ id }) => `deployment ${id}`), ...notes];
  return `${app}: ${said.length === 0 ? "nothing new" : said.join("; ")}`;
}

/** All of them are waited for, whichever fails: those that went well need not be done again. */
async function everyOf(looks: readonly Promise<string>[]): Promise<string> {
  const lines: string[] = [];
  for (const outcome of await Promise.allSettled(looks)) {
    if (outcome.status === "rejected") throw outcome.reason;
    lines.push(outcome.value);
  }
  return lines.join(". ");
}
