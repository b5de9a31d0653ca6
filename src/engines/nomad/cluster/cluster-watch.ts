import { isDeepStrictEqual } from "node:util";
import { type Check, type Consul, isConsulAway } from "../../../consul/index.ts";
import { isNomadAway, type Job, type Nomad, type NomadEvent } from "../../../nomad-api/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { Logger } from "../../../shared/log.ts";
import { JobState } from "./job-state.ts";
import { JobWatch } from "./job-watch.ts";
import { LookPace } from "./look-pace.ts";

export interface ClusterWatchOptions {
  nomad: Nomad;
  consul: Consul;
  clock: Clock;
  log: Logger;
}

/** After Nomad or Consul refused to be followed, it is tried again so much later. */
const AGAIN_MS = 30_000;

/** What is known of a job is kept for so long when nobody wants to know it any more: the next step of its deployment will. */
const KEEP_MS = 10_000;

interface Followed {
  state: JobState;
  watches: Set<JobWatch>;
  /** Since when there are none, by the clock that never goes back. */
  leftAt: number;
}

/**
 * Follows what happens on the cluster, for all apps together: one stream of Nomad's events, and one query for Consul's critical checks. Whoever waits for a job is woken when
 * one of them has to do with it; as long as Nomad or Consul do not tell, they ask again and again.
 */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  /** How often Consul is asked for what it does not tell. */
  readonly pace = new LookPace();
  /** By their ids. */
  readonly #jobs = new Map<string, Followed>();
  /** Jobs that nobody wants to know of any more, those that were left first the first. */
  readonly #left = new Set<string>();
  /** The critical checks of each service; those of nodes under "". */
  #critical: ReadonlyMap<string, readonly Check[]> | undefined;
  #hasEvents = false;

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
  }

  /** Whether what happens on the cluster is told; else all is asked for again and again. */
  get isFollowed(): boolean {
    return this.#hasEvents && this.#critical !== undefined;
  }

  /** Follows the cluster until the signal says so; resolves then. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#keep("Nomad's events", signal, () => this.#followEvents(signal)),
      this.#keep("Consul's checks", signal, () => this.#followChecks(signal)),
    ]);
  }

  /** @param services the names of the job's services in Consul */
  watch(jobId: string, services: Iterable<string>): JobWatch {
    this.#forgetLeft();
    const followed = this.#follow(jobId);
    const onDispose = (): void => {
      followed.watches.delete(watch);
      if (followed.watches.size === 0) this.#leave(jobId, followed);
    };
    const { clock } = this.#options;
    const watch: JobWatch = new JobWatch({ state: followed.state, services: new Set(services), clock, onDispose });
    followed.watches.add(watch);
    return watch;
  }

  /** A job as its registration of this index made it, if events told that it still is so; undefined if Nomad is to be asked. */
  registered(jobId: string, jobModifyIndex: bigint | undefined): Job | undefined {
    const job = this.#jobs.get(jobId)?.state.job;
    return job?.jobModifyIndex === jobModifyIndex ? job : undefined;
  }

  /** The checks of these services that are critical. */
  async criticalChecks(services: ReadonlySet<string>, signal: AbortSignal): Promise<Check[]> {
    const critical = this.#critical;
    if (critical !== undefined) return [...services].flatMap((name) => critical.get(name) ?? []);
    const { consul } = this.#options;
    const checks = await Promise.all([...services].map((name) => consul.health.checks(name, { signal })));
    return checks.flatMap(({ value }) => value.filter(({ status }) => status === "critical"));
  }

  #follow(jobId: string): Followed {
    this.#left.delete(jobId);
    const known = this.#jobs.get(jobId);
    if (known !== undefined) return known;
    const { nomad, clock } = this.#options;
    const jobs = (): number => this.#jobs.size - this.#left.size;
    const state = new JobState({ jobId, nomad, clock, isFollowed: () => this.isFollowed, jobs });
    const followed = { state, watches: new Set<JobWatch>(), leftAt: 0 };
    this.#jobs.set(jobId, followed);
    return followed;
  }

  #leave(jobId: string, followed: Followed): void {
    followed.leftAt = this.#options.clock.monotonic();
    this.#left.add(jobId);
  }

  #forgetLeft(): void {
    const now = this.#options.clock.monotonic();
    for (const jobId of this.#left) {
      const left = this.#jobs.get(jobId);
      if (left !== undefined && now - left.leftAt < KEEP_MS) return;
      this.#left.delete(jobId);
      this.#jobs.delete(jobId);
    }
  }

  /** Whatever ends one of them, but the end of all, is told and tried again. */
  async #keep(what: string, signal: AbortSignal, follow: () => Promise<never>): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (signal.aborted) return;
        log.error({ err: error }, `${what} cannot be followed; the cluster is asked again and again meanwhile`);
        await clock.sleep(AGAIN_MS, { signal, unref: true }).catch(() => {}); // it was the end
      }
    }
  }

  async #followEvents(signal: AbortSignal): Promise<never> {
    const { nomad } = this.#options;
    const topics = (["Job", "Deployment", "Evaluation", "Allocation"] as const).map((topic) => ({ topic }));
    const onTrouble = (error: unknown, failures: number): void => {
      this.#hasEvents = false;
      this.#tell("Nomad", error, failures);
    };
    try {
      for await (const item of nomad.events({ topics, signal, onTrouble })) {
        this.#hasEvents = true;
        if (item.kind === "resync") this.#outdateAll();
        else for (const event of item.events) this.#tellOf(event);
      }
    } finally {
      this.#hasEvents = false;
    }
    throw new Error("the stream of events ended");
  }

  async #followChecks(signal: AbortSignal): Promise<never> {
    const { consul } = this.#options;
    const onTrouble = (error: unknown, failures: number): void => {
      this.#critical = undefined;
      this.#tell("Consul", error, failures);
    };
    try {
      const query = (question: object) => consul.health.state("critical", question);
      // After trouble the same once more is news.
      const isSame = (before: Check[], after: Check[]): boolean =>
        this.#critical !== undefined && isDeepStrictEqual(before, after);
      for await (const { value } of consul.watch(query, { signal, onTrouble, isSame })) {
        const before = this.#critical ?? new Map<string, readonly Check[]>();
        this.#critical = Map.groupBy(value, ({ serviceName }) => serviceName);
        this.#wakeServices(changedServices(before, this.#critical));
      }
    } finally {
      this.#critical = undefined;
    }
    throw new Error("the query ended");
  }

  #tellOf(event: NomadEvent): void {
    this.#forgetLeft();
    const followed = this.#jobs.get(jobOf(event) ?? "");
    followed?.state.takeEvent(event);
    for (const watch of followed?.watches ?? []) watch.wake();
  }

  #wakeServices(names: ReadonlySet<string>): void {
    for (const { watches } of this.#jobs.values())
      for (const watch of watches) if (!watch.services.isDisjointFrom(names)) watch.wake();
  }

  #outdateAll(): void {
    for (const { state } of this.#jobs.values()) state.outdate();
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const { watches } of this.#jobs.values()) for (const watch of watches) watch.wake();
  }

  #tell(who: string, error: unknown, failures: number): void {
    const { log } = this.#options;
    const isAway = isNomadAway(error) || isConsulAway(error);
    // A stream that ends now and then is nothing to wake anybody for.
    if (failures === 2 && isAway) log.warn({ err: error }, `${who} is away; it is asked again and again`);
    else log.debug({ err: error, failures }, `${who} could not be asked`);
    this.#wakeAll();
  }
}

/** The services of which other checks are critical than before, or that say something else. */
function changedServices(
  before: ReadonlyMap<string, readonly Check[]>,
  after: ReadonlyMap<string, readonly Check[]>,
): Set<string> {
  const names = new Set([...before.keys(), ...after.keys()]);
  return new Set([...names].filter((name) => !isDeepStrictEqual(before.get(name), after.get(name))));
}

function jobOf(event: NomadEvent): string | undefined {
  switch (event.topic) {
    case "Job":
      return event.job.id;
    case "Deployment":
      return event.deployment.jobId;
    case "Evaluation":
      return event.evaluation.jobId;
    case "Allocation":
      return event.allocation.jobId;
    default:
      return undefined;
  }
}
