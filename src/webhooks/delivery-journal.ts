import type { Hint } from "./types.ts";

/** A delivery as it is kept. */
export interface NewDelivery {
  webhook: string;
  sender: string;
  /** Milliseconds since 1970. */
  receivedAt: number;
  verdict: "accepted" | "ignored" | "refused";
  /** Why it was ignored or refused; null if it was accepted. */
  reason: string | null;
  /** The HTTP status that is answered; null for one that was read again. */
  status: number | null;
  /** Those that a body is understood by; none that proves the sender. */
  headers: Readonly<Record<string, string>>;
  /** Null if it is not kept: it is too large, or nothing proves whose it is. */
  body: Uint8Array | null;
  /** Of the body that came, kept or not; as far as it was read. */
  bodyBytes: number;
  hints: readonly Hint[];
  /** The delivery that this is again, by hand: then its events count as new. */
  redeliveryOf: number | null;
}

/** A hint that is to be acted on. */
export interface JournaledHint {
  delivery: number;
  /** Its place in the delivery. */
  seq: number;
  webhook: string;
  hint: Hint;
}

/** What became of a delivery that was handed to the journal. */
export interface Recorded {
  /** The delivery's number; of one that came before, that of the first. */
  delivery: number;
  /** Whether all of its events came before, so that nothing new was written. */
  isDuplicate: boolean;
  /** The hints whose events are new. */
  hints: readonly JournaledHint[];
}

/** A delivery as it can be listed and read again. */
export interface KeptDelivery extends Omit<NewDelivery, "hints"> {
  id: number;
  /** How often it came again, and when last. */
  repeats: number;
  repeatedAt: number | null;
}

/** How much is kept. A delivery whose hints are not all settled is kept in any case. */
export interface DeliveryBounds {
  /** Of those that were refused: anybody can send these, so they never push out the others. */
  mostRefused: number;
  mostOthers: number;
  /** The newest keep their bodies. */
  mostBodies: number;
  /** Ids of events, by which a repetition is known. */
  mostEvents: number;
  /** Milliseconds; for all of them. */
  maxAge: number;
}

/** Bodies are of at most 256 KiB each, and mostly of some 10. */
export const DELIVERY_BOUNDS: DeliveryBounds = {
  mostRefused: 1000,
  mostOthers: 10_000,
  mostBodies: 500,
  mostEvents: 100_000,
  maxAge: 30 * 24 * 60 * 60_000,
};

/**
 * Where deliveries are written before they are answered. Synchronous: when a call returns, what it wrote is durable, wholly
 * or not at all.
 */
export interface DeliveryJournal {
  /**
   * Writes deliveries in one transaction, in order, and leaves out the hints whose event this webhook has brought before. Throws
   * if that cannot be done; then none is written.
   */
  record(deliveries: readonly NewDelivery[]): Recorded[];
  /** The hints that are not settled, in the order in which they came. */
  pendingHints(): JournaledHint[];
  /** Marks hints as done with, at `at`; `outcome` is one line for people. */
  settleHints(hints: readonly JournaledHint[], outcome: string, at: number): void;
  /** A delivery with its body. */
  get(id: number): KeptDelivery | undefined;
  /** Removes what is older or more than the bounds say. */
  prune(bounds: DeliveryBounds, now: number): void;
}
