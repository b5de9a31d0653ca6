import type {
  DeliveryBounds,
  DeliveryRow,
  DeliveryTable,
  NewDeliveryRow,
  PendingHintRow,
  RecordedDelivery,
} from "../store/index.ts";
import type { Hint } from "./types.ts";

export type NewDelivery = NewDeliveryRow<Hint>;
export type JournaledHint = PendingHintRow<Hint>;
export type Recorded = RecordedDelivery<Hint>;
export type KeptDelivery = DeliveryRow;

/** Bodies are of at most 256 KiB each, and mostly of some 10. */
export const DELIVERY_BOUNDS: DeliveryBounds = {
  mostRefused: 1000,
  mostOthers: 10_000,
  mostBodies: 500,
  mostEvents: 100_000,
  maxAge: 30 * 24 * 60 * 60_000,
};

/**
 * Where deliveries are written before they are answered: of the store's table, what is needed for that. Synchronous: when a call
 * returns, what it wrote is durable, wholly or not at all.
 */
export type DeliveryJournal = Pick<DeliveryTable<Hint>, "record" | "pendingHints" | "settleHints" | "get" | "prune">;
