/**
 * Delays between tries: doubling from `first` to `most`, each with up to `jitter` of itself added or
 * taken away, so that many who fail together do not come back together.
 */
export interface Backoff {
  /** Milliseconds before the second try. */
  first: number;
  /** The longest delay, in milliseconds. */
  most: number;
  /** A share of the delay, 0 to 1. Default 0.2. */
  jitter?: number;
}

/** The delay in milliseconds after the `failures`-th failure in a row (1 is the first). */
export function backoffDelay({ first, most, jitter = 0.2 }: Backoff, failures: number, random = Math.random): number {
  const plain = Math.min(most, first * 2 ** Math.min(failures - 1, 30));
  return Math.round(plain * (1 + jitter * (2 * random() - 1)));
}
