/**
 * Something that is read for all who want to know it at about the same time: whoever comes while it is being read waits for the next reading, which begins after they
 * came, and is one for all of them.
 */
export class SharedRead<Value> {
  readonly #read: () => Promise<Value>;
  #running: Promise<Value> | undefined;
  #next: Promise<Value> | undefined;

  constructor(read: () => Promise<Value>) {
    this.#read = read;
  }

  /** What it is now. Rejects with what reading does, and with the reason of the signal, which ends it for nobody else. */
  async get(signal?: AbortSignal): Promise<Value> {
    signal?.throwIfAborted();
    const value = this.#running === undefined ? this.#begin() : (this.#next ??= this.#afterwards(this.#running));
    if (signal === undefined) return await value;
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([value, aborted]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #begin(): Promise<Value> {
    const running = this.#read().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    running.catch(() => {}); // whoever still wants it is told
    this.#running = running;
    return running;
  }

  async #afterwards(running: Promise<Value>): Promise<Value> {
    await running.catch(() => {}); // that is the matter of those who waited for it
    this.#next = undefined;
    return await this.#begin();
  }
}
