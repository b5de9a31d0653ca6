/**
 * Keeps garbage collection from taking content that a build has made, or found in the store, and that no release
 * names yet: any number of builds, or one collection, never both.
 */
export class ContentLock {
  #users = 0;
  #exclusive = false;
  #waiting: Array<() => void> = [];

  /** Held while content is being made, until a journaled deployment names it. */
  async use(): Promise<Disposable> {
    while (this.#exclusive) await this.#change();
    this.#users++;
    return { [Symbol.dispose]: () => this.#done(() => this.#users--) };
  }

  /** Held while content is being collected. Builds that begin meanwhile wait; builds may begin while this waits. */
  async exclude(): Promise<Disposable> {
    while (this.#users > 0 || this.#exclusive) await this.#change();
    this.#exclusive = true;
    return { [Symbol.dispose]: () => this.#done(() => (this.#exclusive = false)) };
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #done(leave: () => void): void {
    leave();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
