/** Lets asynchronous acts happen one after the other, in the order in which they were asked for. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when all that was asked for before has ended, however it ended. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.then(nothing, nothing); // who asked for it learns of the failure
    return result;
  }
}

function nothing(): void {}
