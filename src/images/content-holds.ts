/**
 * Keeps garbage collection away from content that somebody has looked up or added and that no image names
 * yet. Any number may hold; who wants to remove waits for a moment in which nobody does.
 */
export class ContentHolds {
  #held = 0;
  #waiting: Array<() => void> = [];

  hold(): Disposable {
    this.#held++;
    let open = true;
    return {
      [Symbol.dispose]: () => {
        if (!open) return;
        open = false;
        this.#held--;
        if (this.#held === 0) this.#wakeAll();
      },
    };
  }

  /** Calls `work`, which must be synchronous, in a moment in which nobody holds. */
  async whenFree<Result>(work: () => Result): Promise<Result> {
    while (this.#held > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return work();
  }

  #wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
