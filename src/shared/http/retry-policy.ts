import type { Backoff } from "../backoff.ts";

/** How often and how long something is tried. */
export interface RetryPolicy {
  /** Tries in all, the first included. */
  attempts: number;
  backoff: Backoff;
  /** The longest wait that a `Retry-After` can ask for, milliseconds; who asks for more gets an error that says so. */
  mostWait: number;
}
