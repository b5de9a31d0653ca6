import { Later } from "./job-watch.ts";

/** Consul has what changed some 50 ms after Nomad. */
const FIRST_MS = 50;
const MOST_MS = 500;
const GROWTH = 1.5;
/** All who wait ask no more often together than once in so many milliseconds: Consul would be busy with nothing else. */
const EACH_MS = 10;
/** But each so often at least. */
const CROWDED_MS = 5000;

/** One who looks again and again for something of which Consul does not tell. To be disposed of when it is there. */
export interface Looking extends Disposable {
  /** It is not there yet: when to look again. */
  later(): Later;
}

/** How often Consul is asked for what it does not tell: the more who wait, and the longer, the seldomer. */
export class LookPace {
  #waiting = 0;

  /** @param mostMs one who waits alone looks at least so often; with `firstMs` the same, always so often */
  begin(firstMs = FIRST_MS, mostMs = MOST_MS): Looking {
    let ms: number | undefined;
    return {
      later: () => {
        if (ms === undefined) this.#waiting++;
        ms = ms === undefined ? firstMs : Math.min(ms * GROWTH, mostMs);
        return new Later(Math.max(ms, Math.min(this.#waiting * EACH_MS, CROWDED_MS)));
      },
      [Symbol.dispose]: () => {
        if (ms !== undefined) this.#waiting--;
        ms = undefined;
      },
    };
  }
}
