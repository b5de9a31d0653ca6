/** Whether canaries may take over, of which a person decides. */
export interface Approval extends Disposable {
  readonly isGiven: boolean;
}

/** What waits for a person to say that it may go live, by app. */
export class Approvals {
  readonly #waiting = new Map<string, { isGiven: boolean; onGiven: () => void }>();

  /** Begins to wait; to be disposed of when that is over. */
  wait(app: string, onGiven: () => void): Approval {
    const entry = { isGiven: false, onGiven };
    this.#waiting.set(app, entry);
    return {
      get isGiven() {
        return entry.isGiven;
      },
      [Symbol.dispose]: () => {
        if (this.#waiting.get(app) === entry) this.#waiting.delete(app);
      },
    };
  }

  /** False if nothing of the app waits here. */
  give(app: string): boolean {
    const entry = this.#waiting.get(app);
    if (entry === undefined) return false;
    entry.isGiven = true;
    entry.onGiven();
    return true;
  }
}
