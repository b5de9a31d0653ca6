import type { Job, Nomad, NomadEvent } from "../../../nomad-api/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import { JobView } from "./job-view.ts";

/** With events, all is asked for again so often, should one have been lost. */
const SELDOM_MS = 15_000;
/** Without events. */
const OFTEN_MS = 500;
/** But of all jobs together no more often than this, with and without events. */
const SELDOM_EACH_MS = 100;
const OFTEN_EACH_MS = 20;

export interface JobStateOptions {
  jobId: string;
  nomad: Nomad;
  clock: Clock;
  /** Whether what happens on the cluster is told. */
  isFollowed: () => boolean;
  /** Of how many jobs somebody wants to know. */
  jobs: () => number;
}

/** What is known of a job, for all who want to know: what Nomad listed once, and told since. */
export class JobState {
  readonly view = new JobView();
  readonly jobId: string;
  readonly #options: JobStateOptions;
  #isWhole = false;
  /** How often something may have been missed. */
  #gaps = 0;
  /** By the clock that never goes back. */
  #readAt = 0;

  constructor(options: JobStateOptions) {
    this.jobId = options.jobId;
    this.#options = options;
  }

  /** Whether it is what Nomad would answer now, a moment aside. */
  get isLive(): boolean {
    return this.#isWhole && this.#options.isFollowed();
  }

  /** The job itself, if it is live; undefined also if no event told of it. */
  get job(): Job | undefined {
    return this.isLive ? this.view.job : undefined;
  }

  takeEvent(event: NomadEvent): void {
    this.view.takeEvent(event);
  }

  /** Something may have been missed. */
  outdate(): void {
    this.#gaps++;
    this.#isWhole = false;
    // What is read then does not tell of the job itself.
    this.view.forgetJob();
  }

  /** How long until all is to be asked for, however often somebody looks in between; 0 or less: now. */
  dueMs(): number {
    if (!this.#isWhole) return 0;
    const { clock, isFollowed, jobs } = this.#options;
    const [each, share] = isFollowed() ? [SELDOM_MS, SELDOM_EACH_MS] : [OFTEN_MS, OFTEN_EACH_MS];
    return this.#readAt + Math.max(each, share * jobs()) - clock.monotonic();
  }

  /** Asks for all that the job has. */
  async read(signal: AbortSignal): Promise<void> {
    const { nomad, jobId, clock } = this.#options;
    const gaps = this.#gaps;
    const [deployments, allocations, evaluations] = await Promise.all([
      nomad.jobs.deployments(jobId, { signal }),
      nomad.jobs.allocations(jobId, { signal }),
      nomad.jobs.evaluations(jobId, { signal }),
    ]);
    this.view.take({
      deployments: deployments.value,
      allocations: allocations.value,
      evaluations: evaluations.value,
    });
    this.#readAt = clock.monotonic();
    // What was missed meanwhile may not be in it.
    this.#isWhole = gaps === this.#gaps;
  }
}
