import type { DeliveryRow, DeliveryTable } from "../store/index.ts";
import type { SenderSetup } from "./setup-of.ts";
import type { Hint, Sender } from "./types.ts";
import type { KnownWebhook } from "./webhook-registry.ts";

/** Of a delivery with more hints, so many are told. */
const MOST_HINTS = 20;

/** A webhook as it is shown: without its secrets. Times are milliseconds since 1970. */
export interface WebhookView {
  name: string;
  sender: Sender;
  createdAt: number;
  rotatedAt: number | null;
  /** Until when the secret before holds, too; null if none does. */
  oldSecretUntil: number | null;
  /** Whether Docker Hub's `callback_url` is called. */
  callback: boolean;
  /** The newest that came, if any. */
  lastDelivery: DeliveryView | null;
}

/** A webhook that was added, or got another secret: the one time that this is told. */
export interface WebhookSetup extends SenderSetup {
  webhook: WebhookView;
  /** What the sender is to be given; of some the secret is in it. */
  url: string;
  secret: string;
}

/** A delivery, what it said, and what came of it. */
export interface DeliveryView {
  id: number;
  webhook: string;
  sender: string;
  receivedAt: number;
  verdict: "accepted" | "ignored" | "refused";
  /** Why it was ignored or refused; else null. */
  reason: string | null;
  /** The HTTP status that was answered; null for one that was read again by hand. */
  status: number | null;
  bodyBytes: number;
  /** How often the same came again, and when last. */
  repeats: number;
  repeatedAt: number | null;
  /** The delivery that this is again, by hand. */
  redeliveryOf: number | null;
  /** What it said; the first 20. */
  hints: HintView[];
  hintCount: number;
}

export interface HintView {
  hint: Hint;
  /** Null while it is not acted on. */
  settledAt: number | null;
  /** What came of it, one line. */
  outcome: string | null;
}

/** What came of a test. */
export interface WebhookTest {
  /** What the listener answered. */
  status: number;
  /** Null if the listener did not journal it. */
  delivery: DeliveryView | null;
}

export function webhookView(known: KnownWebhook, deliveries: DeliveryTable<Hint>, now: number): WebhookView {
  const { name, sender, createdAt, rotatedAt, old, callback } = known;
  const [last] = deliveries.list({ webhook: name, limit: 1 });
  return {
    name,
    sender,
    createdAt,
    rotatedAt,
    oldSecretUntil: old !== null && now < old.until ? old.until : null,
    callback,
    lastDelivery: last === undefined ? null : deliveryView(last, deliveries),
  };
}

export function deliveryView(row: DeliveryRow, deliveries: DeliveryTable<Hint>): DeliveryView {
  const { headers: _, body: _body, ...told } = row;
  const hints = deliveries.hintsOf(row.id);
  return {
    ...told,
    hints: hints.slice(0, MOST_HINTS).map(({ hint, settledAt, outcome }) => ({ hint, settledAt, outcome })),
    hintCount: hints.length,
  };
}
