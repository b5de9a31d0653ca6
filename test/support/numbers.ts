/** Numbers that look random and are the same each time: https://en.wikipedia.org/wiki/Linear_congruential_generator */
export class Numbers {
  #state = 1;

  /** A whole number from 0 on. */
  below(end: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * end);
  }

  /** One of a list. */
  of<T>(list: readonly T[]): T {
    const value = list[this.below(list.length)];
    if (value === undefined) throw new Error("nothing to choose from");
    return value;
  }
}
