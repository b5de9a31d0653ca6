import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/log.ts";
import type { DeliveryJournal, JournaledHint } from "./delivery-journal.ts";
import type { OpenPaths } from "./open-paths.ts";
import type { WebhookDirectory } from "./types.ts";

export interface ReceiverOptions {
  webhooks: WebhookDirectory;
  /** Default none. */
  openPaths?: OpenPaths;
  journal: DeliveryJournal;
  /** Told of hints once they are durable; must not throw. */
  onHints(hints: readonly JournaledHint[]): void;
  clock: Clock;
  log: Logger;
  limits?: Partial<ReceiverLimits>;
}

/** Times in milliseconds. */
export interface ReceiverLimits {
  /** A larger body is 413. */
  bodyBytes: number;
  /** A body that has not come by then is 408. */
  bodyMs: number;
  /** Bodies of more than `largeBytes` that are read at once; one more is 503. */
  largeBodies: number;
  largeBytes: number;
  /** A larger body is not kept. */
  keptBytes: number;
  /** That are open at once; who has asked nothing for the longest gives way to who comes. */
  connections: number;
  /** Requests of one connection that wait for their answers: nobody who sends deliveries has so many. */
  pipelined: number;
  /** Refusals of one webhook that are journaled in a minute. */
  refusals: number;
  /** Deliveries at one open path that are taken in a minute; one more is 503. */
  unproven: number;
  /** How long what runs is waited for when it closes. */
  closeMs: number;
}

/** Together some 170 MB at worst. */
export const DEFAULT_LIMITS: ReceiverLimits = {
  bodyBytes: 5 * 1024 * 1024,
  bodyMs: 10_000,
  largeBodies: 8,
  largeBytes: 256 * 1024,
  keptBytes: 256 * 1024,
  connections: 500,
  pipelined: 16,
  refusals: 30,
  unproven: 60,
  closeMs: 2000,
};
