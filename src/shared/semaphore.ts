/** At most so many at once; the others wait in the order in which they came. */
export class Semaphore {
  readonly #places: number;
  #free: number;
  readonly #waiting: Array<() => void> = [];

  constructor(places: number) {
    this.#places = places;
    this.#free = places;
  }

  /** Whether nobody has a place. */
  get idle(): boolean {
    return this.#free === this.#places;
  }

  /**
   * Resolves with a place, which is given back by disposing of it. Rejects with the signal's reason if it aborts before.
   *
   * @param onWait called if there is no place at once
   */
  async acquire(signal: AbortSignal, onWait?: () => void): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
    } else {
      onWait?.();
      await this.#wait(signal);
    }
    let given = false;
    return {
      [Symbol.dispose]: () => {
        if (!given) this.#release();
        given = true;
      },
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(turn);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
