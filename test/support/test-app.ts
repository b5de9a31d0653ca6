import type { AppView } from "../../src/api/types.ts";
import { GitRepository } from "./git-repository.ts";
import type { Answer } from "./http-get.ts";
import type { RunningSteppe } from "./steppe.ts";

/** What came of a push: git's exit code, and the lines that the server said, without `remote:`. */
export interface Pushed {
  code: number;
  lines: string[];
  /** All that git printed. */
  text: string;
}

type Files = Readonly<Record<string, string | Uint8Array>>;

/** An app of a platform that runs, with a repository beside that is pushed to it. Its host is `NAME.localhost`. */
export class TestApp {
  readonly name: string;
  readonly host: string;
  readonly repository: GitRepository;
  readonly pushUrl: string;
  readonly #steppe: RunningSteppe;

  private constructor(steppe: RunningSteppe, name: string, repository: GitRepository, pushUrl: string) {
    this.#steppe = steppe;
    this.name = name;
    this.host = `${name}.localhost`;
    this.repository = repository;
    this.pushUrl = pushUrl;
  }

  /**
   * Adds the app, as `steppe app add` does.
   *
   * @param folder where the repository is made
   * @param options more of them: `["--build", "hugo"]`
   */
  static async add(
    steppe: RunningSteppe,
    name: string,
    folder: string,
    options: readonly string[] = [],
  ): Promise<TestApp> {
    const added = await steppe.json("app", "add", name, "--domain", `${name}.localhost`, ...options);
    return new TestApp(steppe, name, await GitRepository.init(folder), (added as AppView).pushUrl ?? "");
  }

  /** Makes the work tree be these files, tags that and pushes the tag. */
  async release(tag: string, files: Files): Promise<Pushed> {
    await this.tag(tag, files);
    return await this.push(tag);
  }

  /** Makes the work tree be these files and tags that. */
  async tag(tag: string, files: Files): Promise<void> {
    await this.repository.git("rm", "-r", "--quiet", "--force", "--ignore-unmatch", ".");
    await this.repository.tag(tag, files);
  }

  async push(...refs: string[]): Promise<Pushed> {
    const { code, stdout, stderr } = await this.repository.tryGit("push", this.pushUrl, ...refs);
    const lines = stderr.split("\n").filter((line) => line.startsWith("remote: "));
    return {
      code,
      lines: lines.map((line) => line.slice("remote: ".length).trimEnd()),
      text: `${stdout.toString()}${stderr}`,
    };
  }

  /** What visitors get. */
  get(path = "/"): Promise<Answer> {
    return this.#steppe.get({ host: this.host, path });
  }

  async text(path = "/"): Promise<string> {
    return (await this.get(path)).text;
  }

  async view(): Promise<AppView> {
    return (await this.#steppe.json("app", "show", this.name)) as AppView;
  }
}
