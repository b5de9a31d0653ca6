import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import type { PollTrouble } from "../sources/index.ts";

/** So many looks in a row find nothing before that is worth a word: somebody may be about to push the first tag. */
const LOOKS = 3;

interface Empty {
  repository: string;
  /** When the first of the looks was, milliseconds since 1970. */
  since: number;
  looks: number;
  nothing: "tags" | "repository";
}

/** The repositories of images in which there was never a tag: for a registry that is no error, but often the name is mistyped. */
export class EmptyRepositories {
  readonly #clock: Clock;
  /** By app. */
  readonly #empty = new Map<string, Empty>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes what a look found: nothing but a lack, or with null something. */
  note(app: string, repository: string, nothing: Empty["nothing"] | null): void {
    const before = this.#empty.get(app);
    if (nothing === null) {
      this.#empty.delete(app);
    } else {
      const { since, looks } = before?.repository === repository ? before : { since: this.#clock.now(), looks: 0 };
      this.#empty.set(app, { repository, since, looks: looks + 1, nothing });
    }
  }

  forget(app: string): void {
    this.#empty.delete(app);
  }

  /** What to tell of an app's repository of images; null if there is nothing to tell. */
  trouble(app: string): PollTrouble | null {
    const empty = this.#empty.get(app);
    if (empty === undefined || empty.looks < LOOKS) return null;
    const { repository, since, nothing } = empty;
    const [host, path] = [repository.slice(0, repository.indexOf("/")), repository.slice(repository.indexOf("/") + 1)];
    const lack = nothing === "repository" ? `${host} has no repository ${path}` : `${repository} has no tags`;
    const cause = `${lack}: correct the app's \`image\`, or push the first tag`;
    const error = new SteppeError("IMAGE_NOT_FOUND", { operation: "list the tags of", subject: repository, cause });
    return { since, error: error.toJSON() };
  }
}
