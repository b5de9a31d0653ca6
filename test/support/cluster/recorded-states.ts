import type { Asked, ClusterRecording, StateChange } from "./cluster-recording.ts";

/** What each question would have been answered at any time. */
export class RecordedStates {
  readonly #states = new Map<string, StateChange[]>();

  constructor({ states }: ClusterRecording) {
    for (const state of states) {
      const id = `${state.asked} ${state.key}`;
      const known = this.#states.get(id);
      if (known === undefined) this.#states.set(id, [state]);
      else known.push(state);
    }
  }

  has(asked: Asked, key: string): boolean {
    return this.#states.has(`${asked} ${key}`);
  }

  /** The answer at a time: before it was first asked, what it was then. */
  at(asked: Asked, key: string, time: number): StateChange {
    const states = this.#of(asked, key);
    const found = states.findLast(({ at }) => at <= time) ?? states[0];
    if (found === undefined) throw new Error(`nothing is recorded of ${key}`);
    return found;
  }

  /** The first answer after a time that has another index, if there is one. */
  nextAfter(asked: Asked, key: string, time: number, index: string | undefined): StateChange | undefined {
    return this.#of(asked, key).find((state) => state.at > time && state.index !== index);
  }

  #of(asked: Asked, key: string): readonly StateChange[] {
    return this.#states.get(`${asked} ${key}`) ?? [];
  }
}
