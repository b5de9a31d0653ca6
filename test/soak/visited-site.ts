import { GitRepository } from "../support/git-repository.ts";
import { type RunningSteppe, startSteppe } from "../support/steppe.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { Load } from "./load.ts";
import { addSoakApp, tagVersion } from "./soak-site.ts";

/** A platform on which the soak's site is live, the repository that it comes from, and visitors that never stop. */
export class VisitedSite implements AsyncDisposable {
  readonly steppe: RunningSteppe;
  readonly repository: GitRepository;
  readonly load: Load;
  readonly #resources: AsyncDisposableStack;

  private constructor(steppe: RunningSteppe, repository: GitRepository, load: Load, resources: AsyncDisposableStack) {
    this.steppe = steppe;
    this.repository = repository;
    this.load = load;
    this.#resources = resources;
  }

  /** @param visitors how many of each of the four kinds */
  static async start(visitors?: number): Promise<VisitedSite> {
    await using started = new AsyncDisposableStack();
    const folder = started.use(temporaryFolder("soak"));
    const steppe = started.use(await startSteppe());
    const repository = await GitRepository.init(folder.path);
    await addSoakApp(steppe, repository);
    await tagVersion(repository, "v0");
    await repository.git("push", "--quiet", "steppe", "v0");
    const load = started.use(await Load.start(steppe, visitors));
    return new VisitedSite(steppe, repository, load, started.move());
  }

  /** Pushes a new version; resolves when it is live. */
  async release(version: string): Promise<void> {
    await tagVersion(this.repository, version);
    await this.repository.git("push", "--quiet", "steppe", version);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}
