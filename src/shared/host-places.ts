import { Semaphore } from "./semaphore.ts";

/** At most so many at once of each host, in the order in which they came: one that hangs keeps no other waiting. */
export class HostPlaces {
  readonly #each: number;
  readonly #places = new Map<string, Semaphore>();

  constructor(each: number) {
    this.#each = each;
  }

  /** See `Semaphore.acquire`. */
  async acquire(host: string, signal: AbortSignal, onWait?: () => void): Promise<Disposable> {
    const places = this.#places.get(host) ?? new Semaphore(this.#each);
    this.#places.set(host, places);
    const forget = (): void => {
      if (places.idle && this.#places.get(host) === places) this.#places.delete(host);
    };
    try {
      const place = await places.acquire(signal, onWait);
      return {
        [Symbol.dispose]: () => {
          place[Symbol.dispose]();
          forget();
        },
      };
    } catch (error) {
      forget();
      throw error;
    }
  }
}
