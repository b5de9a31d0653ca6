import { isDeepStrictEqual } from "node:util";
import { type Check, type Consul, isConsulAway } from "../../../consul/index.ts";
import { isNomadAway, type Nomad, type NomadEvent } from "../../../nomad-api/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { Logger } from "../../../shared/log.ts";
import { JobWatch } from "./job-watch.ts";

export interface ClusterWatchOptions {
  nomad: Nomad;
  consul: Consul;
  clock: Clock;
  log: Logger;
}

/** After Nomad or Consul refused to be followed, it is tried again so much later. */
const AGAIN_MS = 30_000;

/**
 * Follows what happens on the cluster, for all apps together: one stream of Nomad's events, and one query for Consul's critical checks. Whoever waits for a job is woken when
 * one of them has to do with it; as long as Nomad or Consul do not tell, they ask again and again.
 */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  readonly #watches = new Set<JobWatch>();
  #critical: readonly Check[] | undefined;
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
    const { nomad, clock } = this.#options;
    const watch: JobWatch = new JobWatch({
      jobId,
      services: new Set(services),
      nomad,
      clock,
      isFollowed: () => this.isFollowed,
      onDispose: () => this.#watches.delete(watch),
    });
    this.#watches.add(watch);
    return watch;
  }

  /** The checks of these services that are critical. */
  async criticalChecks(services: ReadonlySet<string>, signal: AbortSignal): Promise<Check[]> {
    if (this.#critical !== undefined) return this.#critical.filter(({ serviceName }) => services.has(serviceName));
    const { consul } = this.#options;
    const checks = await Promise.all([...services].map((name) => consul.health.checks(name, { signal })));
    return checks.flatMap(({ value }) => value.filter(({ status }) => status === "critical"));
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
        const before = this.#critical ?? [];
        this.#critical = value;
        this.#wakeServices(namesOf([...before, ...value]));
      }
    } finally {
      this.#critical = undefined;
    }
    throw new Error("the query ended");
  }

  #tellOf(event: NomadEvent): void {
    const jobId = jobOf(event);
    for (const watch of this.#watches) {
      if (watch.jobId !== jobId) continue;
      watch.view.takeEvent(event);
      watch.wake();
    }
  }

  #wakeServices(names: ReadonlySet<string>): void {
    for (const watch of this.#watches) if (!watch.services.isDisjointFrom(names)) watch.wake();
  }

  #outdateAll(): void {
    for (const watch of this.#watches) watch.outdate();
  }

  #tell(who: string, error: unknown, failures: number): void {
    const { log } = this.#options;
    const isAway = isNomadAway(error) || isConsulAway(error);
    // A stream that ends now and then is nothing to wake anybody for.
    if (failures === 2 && isAway) log.warn({ err: error }, `${who} is away; it is asked again and again`);
    else log.debug({ err: error, failures }, `${who} could not be asked`);
    for (const watch of this.#watches) watch.wake();
  }
}

function namesOf(checks: readonly Check[]): Set<string> {
  return new Set(checks.map(({ serviceName }) => serviceName));
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
