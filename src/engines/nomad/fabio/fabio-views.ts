import type { Consul } from "../../../consul/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import { toSteppeError } from "../../../shared/errors.ts";
import { Fabio, type FabioTarget } from "./fabio.ts";

export interface FabioViewsOptions {
  consul: Consul;
  /** Of Fabio's API; none: those of the service `fabio` in Consul, as which Fabio registers itself. */
  addresses: readonly string[];
  clock: Clock;
}

/** Where an instance of Fabio is said to be. */
interface Place {
  address: string;
  /** Whether it is sure to be there: named by the user, or passing in Consul. */
  isSure: boolean;
  /** Whether Consul has lost its node. */
  isNodeLost: boolean;
}

/** For one instance of Fabio: undefined if its routes are as they should be, else what is missing, for a person. */
export type Wanted = (targets: readonly FabioTarget[]) => string | undefined;

/** An instance of Fabio that does not have the routes that are wanted, or of which that is not known. */
export interface Unsettled {
  /** Whether it answers: then its routes do not change as they should. */
  isThere: boolean;
  /** `Fabio at 10.0.0.1:9998 does not …` */
  line: string;
}

/** Fabio has them 12 to 74 ms after Consul. */
const LOOK_MS = 20;
/** Looking takes no more than this share of the time. */
const MOST_SHARE = 0.25;
/** An instance that is away, or does not come to have them, holds nobody up for longer. */
const PATIENCE_MS = 10_000;
const AWAY_PATIENCE_MS = 1000;
/** One on a lost node, that could not be asked, is not asked again for so long. */
const LOST_MS = 60_000;
/** The check by which Consul knows that a node is there. */
const NODE_CHECK = "serfHealth";
/** However much its routes change. */
const MOST_PATIENCE_MS = 60_000;

interface Wish {
  wanted: Wanted;
  /** Of one that is not, and cannot be asked, nobody says that it serves visitors. */
  isSure: boolean;
  patienceMs: number;
}

/** Somebody who waits; told what is missing at each look, and when there is no use in looking on. */
interface Waiter {
  /** How long it may be away before there is no use. */
  awayPatienceMs: number;
  look(targets: readonly FabioTarget[]): void;
  giveUp(why: string): void;
}

/**
 * What the instances of Fabio make of Consul's services. Fabio tells of no changes, so it is looked at again and again, but only as long as somebody waits, and once for all
 * that do.
 */
export class FabioViews implements Disposable {
  readonly #options: FabioViewsOptions;
  readonly #views = new Map<string, FabioView>();

  constructor(options: FabioViewsOptions) {
    this.#options = options;
  }

  /**
   * Resolves when every instance has the routes that are wanted, or with those that have not, when their routes have not changed for ten seconds, and after one with those that cannot be
   * asked, if Consul or the user says that they are there. Rejects with the reason of the signal.
   *
   * @param patienceMs for another time than ten seconds
   */
  async settled(wanted: Wanted, signal: AbortSignal, patienceMs = PATIENCE_MS): Promise<Unsettled[]> {
    const found = await this.#find(signal);
    const asked = found.filter(({ view, isNodeLost }) => !(isNodeLost && view.wasAway(LOST_MS)));
    const unsettled = await Promise.all(
      asked.map(({ view, isSure }) => view.settled({ wanted, isSure, patienceMs }, signal)),
    );
    return unsettled.filter((one) => one !== undefined);
  }

  [Symbol.dispose](): void {
    for (const { fabio } of this.#views.values()) fabio[Symbol.dispose]();
  }

  async #find(signal: AbortSignal): Promise<Array<Place & { view: FabioView }>> {
    const places = await this.#places(signal);
    for (const [address, view] of this.#views) {
      if (places.some((place) => place.address === address) || view.isWaitedFor) continue;
      view.fabio[Symbol.dispose]();
      this.#views.delete(address);
    }
    return places.map((place) => {
      const view = this.#views.get(place.address) ?? new FabioView(place.address, this.#options.clock);
      this.#views.set(place.address, view);
      return { ...place, view };
    });
  }

  /**
   * Also those that are critical in Consul: Fabio 1.6.3 registers a check that Consul 1.10 cannot make (`http://[127.0.0.1]:9998/health`), and serves all the same. What is left
   * of one that died is critical as well.
   */
  async #places(signal: AbortSignal): Promise<Place[]> {
    const { consul, addresses } = this.#options;
    if (addresses.length > 0) return addresses.map((address) => ({ address, isSure: true, isNodeLost: false }));
    const { value } = await consul.health.service("fabio", { signal });
    return value.map(({ instance: { address, port }, status, checks }) => ({
      address: `http://${address.includes(":") ? `[${address}]` : address}:${port}`,
      isSure: status === "passing",
      isNodeLost: checks.some(({ id, status }) => id === NODE_CHECK && status === "critical"),
    }));
  }
}

/** One instance of Fabio, and who waits for it. */
class FabioView {
  readonly fabio: Fabio;
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();
  #isLooking = false;
  /** Its routes at the last look, and when they were first seen so, by the clock that never goes back. */
  #table = "";
  #changedAt = 0;
  #awayAt = -Infinity;

  constructor(address: string, clock: Clock) {
    this.fabio = new Fabio(address, clock);
    this.#clock = clock;
  }

  get isWaitedFor(): boolean {
    return this.#waiters.size > 0;
  }

  /** Whether it could not be asked within the last milliseconds. */
  wasAway(ms: number): boolean {
    return this.#clock.monotonic() - this.#awayAt < ms;
  }

  async settled({ wanted, isSure, patienceMs }: Wish, signal: AbortSignal): Promise<Unsettled | undefined> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Unsettled | undefined>();
    const begin = this.#clock.monotonic();
    const giveBack = (isThere: boolean, why: string): void =>
      resolve({ isThere, line: `Fabio at ${this.fabio.address} ${why}` });
    const look = (targets: readonly FabioTarget[]): void => {
      const missing = wanted(targets);
      if (missing === undefined) resolve(undefined);
      else if (this.#isPastHope(begin, patienceMs)) giveBack(true, missing);
    };
    const giveUp = (why: string): void => (isSure ? giveBack(false, why) : resolve(undefined));
    const waiter: Waiter = { awayPatienceMs: isSure ? AWAY_PATIENCE_MS : 0, look, giveUp };
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#waiters.add(waiter);
    void this.#look();
    try {
      return await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** One whose routes change comes to what is wanted: with many services, each change takes it some seconds. */
  #isPastHope(begin: number, patienceMs: number): boolean {
    const now = this.#clock.monotonic();
    return now - Math.max(begin, this.#changedAt) >= patienceMs || now - begin >= MOST_PATIENCE_MS;
  }

  #noteChange(targets: readonly FabioTarget[]): void {
    const lines = targets.map(({ service, host, path, address, weight }) =>
      [service, host, path, address, weight].join(" "),
    );
    const table = lines.toSorted().join("\n");
    if (table === this.#table) return;
    this.#table = table;
    this.#changedAt = this.#clock.monotonic();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    let awaySince: number | undefined;
    while (this.isWaitedFor) {
      const waiters = [...this.#waiters];
      const begin = this.#clock.monotonic();
      let pauseMs = LOOK_MS;
      try {
        const targets = await this.fabio.routes();
        pauseMs = Math.max(LOOK_MS, (this.#clock.monotonic() - begin) / MOST_SHARE);
        this.#noteChange(targets);
        for (const { look } of waiters) look(targets);
        awaySince = undefined;
      } catch (error) {
        awaySince ??= begin;
        this.#awayAt = this.#clock.monotonic();
        const away = this.#awayAt - awaySince;
        this.#giveUp(
          waiters.filter(({ awayPatienceMs }) => away >= awayPatienceMs),
          error,
        );
      }
      await this.#clock.sleep(pauseMs);
    }
    this.#isLooking = false;
  }

  /** One that cannot be asked may serve all the same. */
  #giveUp(waiters: readonly Waiter[], error: unknown): void {
    const { reason } = toSteppeError(error, "ask", "Fabio");
    for (const waiter of waiters) {
      this.#waiters.delete(waiter);
      waiter.giveUp(`cannot be asked for its routes (${reason})`);
    }
  }
}
