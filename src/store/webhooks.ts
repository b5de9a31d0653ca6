import type { Row, Store } from "./store.ts";

/** A webhook as it is kept. Times are milliseconds since 1970. */
export interface WebhookRow {
  name: string;
  sender: string;
  secret: string;
  /** While a secret is replaced: the one before, and until when it holds. */
  old: { secret: string; until: number } | null;
  /** Whether the sender's `callback_url` is called. */
  callback: boolean;
  createdAt: number;
  /** When the secret was replaced last; null if it is the first. */
  rotatedAt: number | null;
}

/** Table `webhooks`. */
export class WebhookTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** By name. */
  all(): WebhookRow[] {
    return this.#store.all("SELECT * FROM webhooks ORDER BY name").map(webhookRow);
  }

  /** Adds the webhook, or takes the place of the one of this name. */
  put(webhook: WebhookRow): void {
    this.#store.run(
      `INSERT OR REPLACE INTO webhooks (name, sender, secret, old_secret, old_until, callback, created_at, rotated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      webhook.name,
      webhook.sender,
      webhook.secret,
      webhook.old?.secret ?? null,
      webhook.old?.until ?? null,
      webhook.callback ? 1 : 0,
      webhook.createdAt,
      webhook.rotatedAt,
    );
  }

  /** Its deliveries stay until they are old; ids of its events are forgotten, since another webhook may get its name. */
  delete(name: string): void {
    this.#store.transaction(() => {
      this.#store.run("DELETE FROM webhooks WHERE name = ?", name);
      this.#store.run("DELETE FROM delivery_events WHERE webhook = ?", name);
    });
  }
}

function webhookRow(row: Row): WebhookRow {
  const { old_secret: secret, old_until: until } = row;
  return {
    name: String(row["name"]),
    sender: String(row["sender"]),
    secret: String(row["secret"]),
    old: secret === null || until === null ? null : { secret: String(secret), until: Number(until) },
    callback: row["callback"] === 1,
    createdAt: Number(row["created_at"]),
    rotatedAt: row["rotated_at"] === null ? null : Number(row["rotated_at"]),
  };
}
