import type { Row, Store } from "./store.ts";

/**
 * A delivery as it is kept. `Hint` and its meaning are the webhooks' words: this file keeps them, and knows of one that it may have an
 * `eventId`.
 */
export interface NewDeliveryRow<Hint> {
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

/** A delivery as it can be listed and read again. */
export interface DeliveryRow extends Omit<NewDeliveryRow<unknown>, "hints"> {
  id: number;
  /** How often it came again, and when last. */
  repeats: number;
  repeatedAt: number | null;
}

/** A hint that is to be acted on. */
export interface PendingHintRow<Hint> {
  delivery: number;
  /** Its place in the delivery. */
  seq: number;
  webhook: string;
  hint: Hint;
}

/** A hint of a delivery, and what came of it; null while nothing was done about it. */
export interface HintRow<Hint> extends PendingHintRow<Hint> {
  settledAt: number | null;
  outcome: string | null;
}

/** What became of a delivery that was recorded. */
export interface RecordedDelivery<Hint> {
  /** The delivery's number; of one that came before, that of the first, unless that is forgotten. */
  delivery: number;
  /** Whether all of its events came before, so that there is nothing to do. */
  isDuplicate: boolean;
  /** The hints whose events are new. */
  hints: readonly PendingHintRow<Hint>[];
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

const COLUMNS = `id, webhook, sender, received_at, verdict, reason, status, headers, body_bytes, repeats, repeated_at, redelivery_of`;

/** Tables `deliveries`, `delivery_hints` and `delivery_events`: what webhooks brought, written before it is answered. */
export class DeliveryTable<Hint extends { eventId: string | null }> {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Writes deliveries in one transaction, in order. Hints whose event the webhook has brought before are left out; a delivery
   * of nothing else only counts as a repetition of the first. Throws if that cannot be done; then none is written.
   */
  record(deliveries: readonly NewDeliveryRow<Hint>[]): RecordedDelivery<Hint>[] {
    return this.#store.transaction(() => deliveries.map((delivery) => this.#record(delivery)));
  }

  /** The hints that are not settled, in the order in which they came. */
  pendingHints(): PendingHintRow<Hint>[] {
    return this.#store
      .all(
        `SELECT h.delivery, h.seq, d.webhook, h.hint FROM delivery_hints h JOIN deliveries d ON d.id = h.delivery
         WHERE h.settled_at IS NULL ORDER BY h.delivery, h.seq`,
      )
      .map((row) => pendingHint<Hint>(row));
  }

  /** Marks hints as done with, at `at`; `outcome` is one line for people. */
  settleHints(hints: readonly { delivery: number; seq: number }[], outcome: string, at: number): void {
    this.#store.transaction(() => {
      const sql = "UPDATE delivery_hints SET settled_at = ?, outcome = ? WHERE delivery = ? AND seq = ?";
      for (const { delivery, seq } of hints) this.#store.run(sql, at, outcome, delivery, seq);
    });
  }

  /** A delivery with its body. */
  get(id: number): DeliveryRow | undefined {
    const row = this.#store.get(`SELECT ${COLUMNS}, body FROM deliveries WHERE id = ?`, id);
    return row === undefined ? undefined : deliveryRow(row);
  }

  /** Deliveries of one webhook, or of all, the newest first, without their bodies. */
  list(options: { webhook?: string; before?: number; limit: number }): DeliveryRow[] {
    const { webhook, before = Number.MAX_SAFE_INTEGER, limit } = options;
    const ofWebhook = webhook === undefined ? "" : "webhook = ? AND"; // a condition that may not hold would not use the index
    return this.#store
      .all(
        `SELECT ${COLUMNS}, NULL AS body FROM deliveries WHERE ${ofWebhook} id < ? ORDER BY id DESC LIMIT ?`,
        ...(webhook === undefined ? [] : [webhook]),
        before,
        limit,
      )
      .map(deliveryRow);
  }

  /** What a delivery said, and what came of it. */
  hintsOf(delivery: number): HintRow<Hint>[] {
    return this.#store
      .all(
        `SELECT h.*, d.webhook FROM delivery_hints h JOIN deliveries d ON d.id = h.delivery WHERE h.delivery = ? ORDER BY h.seq`,
        delivery,
      )
      .map((row) => ({
        ...pendingHint<Hint>(row),
        settledAt: row["settled_at"] as number | null,
        outcome: row["outcome"] as string | null,
      }));
  }

  /** Forgets what is older at `now`, or more, than the bounds say; no delivery with a hint that is not settled. */
  prune(bounds: DeliveryBounds, now: number): void {
    const oldest = now - bounds.maxAge;
    this.#store.transaction(() => {
      this.#pruneDeliveries("=", bounds.mostRefused, oldest);
      this.#pruneDeliveries("<>", bounds.mostOthers, oldest);
      this.#store.run(
        `UPDATE deliveries SET body = NULL WHERE body IS NOT NULL
           AND id NOT IN (SELECT id FROM deliveries WHERE body IS NOT NULL ORDER BY id DESC LIMIT ?)`,
        bounds.mostBodies,
      );
      this.#store.run("DELETE FROM delivery_events WHERE seen_at < ?", oldest);
      this.#store.run(
        `DELETE FROM delivery_events WHERE seen_at < (SELECT seen_at FROM delivery_events ORDER BY seen_at DESC LIMIT 1 OFFSET ?)`,
        Math.max(0, bounds.mostEvents - 1),
      );
    });
  }

  #pruneDeliveries(comparison: "=" | "<>", most: number, oldest: number): void {
    this.#store.run(
      `DELETE FROM deliveries WHERE verdict ${comparison} 'refused'
         AND (received_at < ?1
           OR id NOT IN (SELECT id FROM deliveries WHERE verdict ${comparison} 'refused' ORDER BY id DESC LIMIT ?2))
         AND id NOT IN (SELECT delivery FROM delivery_hints WHERE settled_at IS NULL)`,
      oldest,
      most,
    );
  }

  #record(delivery: NewDeliveryRow<Hint>): RecordedDelivery<Hint> {
    const fresh = delivery.redeliveryOf === null ? this.#freshHints(delivery) : delivery.hints;
    if (fresh.length === 0 && delivery.hints.length > 0) {
      const first = this.#firstOf(delivery);
      if (first !== undefined) return { delivery: first, isDuplicate: true, hints: [] };
    }
    const id = this.#insert(delivery);
    for (const { eventId } of fresh) {
      if (eventId === null || delivery.redeliveryOf !== null) continue;
      this.#store.run(
        "INSERT INTO delivery_events (webhook, event_id, delivery, seen_at) VALUES (?, ?, ?, ?)",
        delivery.webhook,
        eventId,
        id,
        delivery.receivedAt,
      );
    }
    for (const [seq, hint] of fresh.entries()) {
      this.#store.run(
        "INSERT INTO delivery_hints (delivery, seq, hint) VALUES (?, ?, ?)",
        id,
        seq,
        JSON.stringify(hint),
      );
    }
    const hints = fresh.map((hint, seq) => ({ delivery: id, seq, webhook: delivery.webhook, hint }));
    return { delivery: id, isDuplicate: fresh.length === 0 && delivery.hints.length > 0, hints };
  }

  /** The hints whose events are new: neither seen before, nor twice in this delivery. */
  #freshHints({ webhook, hints }: NewDeliveryRow<Hint>): Hint[] {
    const here = new Set<string>();
    return hints.filter(({ eventId }) => {
      if (eventId === null) return true;
      if (here.has(eventId)) return false;
      here.add(eventId);
      return (
        this.#store.get("SELECT 1 FROM delivery_events WHERE webhook = ? AND event_id = ?", webhook, eventId) ===
        undefined
      );
    });
  }

  /** Counts a repetition on the delivery that brought the first of its events; undefined if that is forgotten. */
  #firstOf({ webhook, hints, receivedAt }: NewDeliveryRow<Hint>): number | undefined {
    const row = this.#store.get(
      `UPDATE deliveries SET repeats = repeats + 1, repeated_at = ?
       WHERE id = (SELECT delivery FROM delivery_events WHERE webhook = ? AND event_id = ?) RETURNING id`,
      receivedAt,
      webhook,
      hints[0]?.eventId ?? null,
    );
    return row === undefined ? undefined : Number(row["id"]);
  }

  #insert(delivery: NewDeliveryRow<Hint>): number {
    return this.#store.run(
      `INSERT INTO deliveries (webhook, sender, received_at, verdict, reason, status, headers, body, body_bytes, redelivery_of)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      delivery.webhook,
      delivery.sender,
      delivery.receivedAt,
      delivery.verdict,
      delivery.reason,
      delivery.status,
      JSON.stringify(delivery.headers),
      delivery.body,
      delivery.bodyBytes,
      delivery.redeliveryOf,
    ).lastId;
  }
}

function pendingHint<Hint>(row: Row): PendingHintRow<Hint> {
  return {
    delivery: Number(row["delivery"]),
    seq: Number(row["seq"]),
    webhook: String(row["webhook"]),
    hint: JSON.parse(String(row["hint"])) as Hint,
  };
}

function deliveryRow(row: Row): DeliveryRow {
  return {
    id: Number(row["id"]),
    webhook: String(row["webhook"]),
    sender: String(row["sender"]),
    receivedAt: Number(row["received_at"]),
    verdict: row["verdict"] as DeliveryRow["verdict"],
    reason: row["reason"] as string | null,
    status: row["status"] as number | null,
    headers: JSON.parse(String(row["headers"])) as Record<string, string>,
    body: row["body"] as Uint8Array | null,
    bodyBytes: Number(row["body_bytes"]),
    repeats: Number(row["repeats"]),
    repeatedAt: row["repeated_at"] as number | null,
    redeliveryOf: row["redelivery_of"] as number | null,
  };
}
