import type { Clock } from "../shared/clock.ts";
import { repositoryKey } from "../sources/index.ts";
import { aborted } from "./aborted.ts";
import type { AppRegistry } from "./app-registry.ts";
import type { ImagesReport, ImageWatch } from "./image-watch.ts";
import type { RefWatch } from "./ref-watch.ts";
import type { HintedImage, RefsReport } from "./types.ts";

/** So many tags of one app are told of one by one. */
const MOST_LINES = 5;
/** A registry may tell of a tag a moment before it has it for whoever asks: so long after each look, in milliseconds, there is another. */
const AGAIN_MS = [400, 1600];

interface Parts {
  registry: AppRegistry;
  refs: RefWatch;
  images: ImageWatch;
  clock: Clock;
}

/** Which apps a hint is of, and a look at each of them. What a hint says is not believed: it only says where to look. */
export class HintedApps {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** See `Deployer.imageChanged`. */
  async imageChanged(
    { registry, repository, tags, isProven }: HintedImage,
    requestId: string,
    signal: AbortSignal,
  ): Promise<string> {
    const apps = this.#appsOf(registry, repository);
    if (apps.length === 0) return `no app has the image ${registry}/${repository}`;
    const look = async (app: string): Promise<string> => {
      return `${app}: ${describeImages(await this.#look(app, { tags, isProven }, requestId, signal), tags)}`;
    };
    return await aborted(signal, everyOf(apps.map(look)));
  }

  /** Whoever may be anybody is not believed so far that he is waited for. */
  async #look(
    app: string,
    { tags, isProven }: Pick<HintedImage, "tags" | "isProven">,
    requestId: string,
    signal: AbortSignal,
  ): Promise<ImagesReport> {
    const { images, clock } = this.#parts;
    let report = await images.look(app, tags, requestId, isProven);
    for (const pauseMs of isProven ? AGAIN_MS : []) {
      const awaited = report.absent.filter((tag) => tags?.includes(tag) === true);
      if (awaited.length === 0) break;
      await clock.sleep(pauseMs, { signal });
      const { queued, lines, absent } = await images.look(app, awaited, requestId, isProven);
      // Whoever looked at the same time has the same report.
      report = { queued: queued ?? report.queued, lines: new Map([...report.lines, ...lines]), absent };
    }
    return report;
  }

  /** See `Deployer.repositoryChanged`. */
  async repositoryChanged(urls: readonly string[], requestId: string, signal: AbortSignal): Promise<string> {
    const hinted = new Set(urls.map(repositoryKey));
    const apps = this.#parts.registry.all().flatMap(({ name, definition: { repository } }) => {
      return repository !== null && hinted.has(repositoryKey(repository)) ? [name] : [];
    });
    if (apps.length === 0) return `no app has the repository ${urls[0] ?? ""}`;
    const look = async (app: string): Promise<string> => describeRefs(app, await this.#parts.refs.look(app, requestId));
    return await aborted(signal, everyOf(apps.map(look)));
  }

  /**
   * The apps whose image it is. A registry may call itself something else than apps do (it is behind a proxy, or has a name within its
   * network): if it is no app's by its full name, those are meant whose image has the same path elsewhere.
   */
  #appsOf(registry: string, repository: string): string[] {
    const all = this.#parts.registry.all().flatMap(({ name, definition: { image } }) => {
      return image === null ? [] : [{ name, image: image.repository }];
    });
    const exact = all.filter(({ image }) => image === `${registry}/${repository}`);
    const meant =
      exact.length > 0 ? exact : all.filter(({ image }) => image.slice(image.indexOf("/") + 1) === repository);
    return meant.map(({ name }) => name);
  }
}

function describeImages({ queued, lines }: ImagesReport, tags: readonly string[] | null): string {
  const of = tags === null ? [...lines.values()] : [...new Set(tags)].flatMap((tag) => lines.get(tag) ?? []);
  // What deploys first, whichever was told of.
  const deploys = queued?.source.kind === "image" ? lines.get(queued.source.tag ?? "") : undefined;
  const said = [...new Set([...(deploys === undefined ? [] : [deploys]), ...of])];
  if (said.length === 0) return "nothing new";
  const more = said.length > MOST_LINES ? [`and ${said.length - MOST_LINES} more that do not deploy`] : [];
  return [...said.slice(0, MOST_LINES), ...more].join("; ");
}

function describeRefs(app: string, { queued, notes }: RefsReport): string {
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
