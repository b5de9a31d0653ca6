import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import type { WebhookRow, WebhookTable } from "../store/index.ts";
import { checkSecret } from "./check-secret.ts";
import { isSender, type Sender, senders, type Webhook, type WebhookDirectory } from "./types.ts";

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** A webhook that was set up, with its secrets. */
export interface KnownWebhook extends WebhookRow {
  sender: Sender;
}

export interface NewWebhook {
  name: string;
  sender: string;
  /** One that the sender made; absent: one is made. */
  secret?: string | undefined;
  /** Whether the sender's `callback_url` is called when it is known what came of a delivery. Docker Hub only. */
  callback: boolean;
}

export interface Rotation {
  /** Milliseconds that the secret before holds on; 0: it ends at once. */
  keepMs: number;
  secret?: string | undefined;
}

export interface RegistryParts {
  table: WebhookTable;
  clock: Clock;
  newSecret(): string;
}

/**
 * The webhooks that were set up. All are kept in memory, since each delivery asks for one, and written to the store before a change
 * counts.
 */
export class WebhookRegistry implements WebhookDirectory {
  readonly #parts: RegistryParts;
  readonly #known: Map<string, KnownWebhook>;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    const rows = parts.table.all().filter((row): row is KnownWebhook => isSender(row.sender));
    this.#known = new Map(rows.map((row) => [row.name, row]));
  }

  /** By name. */
  all(): KnownWebhook[] {
    return [...this.#known.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** With the secrets that hold now. */
  find(name: string): Webhook | undefined {
    const known = this.#known.get(name);
    if (known === undefined) return undefined;
    const { sender, secret, old } = known;
    const holds = old !== null && this.#parts.clock.now() < old.until;
    return { name, sender, secrets: holds ? [secret, old.secret] : [secret] };
  }

  /** Throws WEBHOOK_NOT_FOUND. */
  get(name: string): KnownWebhook {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    throw new SteppeError("WEBHOOK_NOT_FOUND", {
      operation: "find",
      subject: `webhook ${JSON.stringify(name.slice(0, 100))}`,
      cause: "there is no such webhook",
      hint: "`steppe webhook list` shows the webhooks.",
    });
  }

  /** Throws USAGE, WEBHOOK_EXISTS. */
  add({ name, sender, secret = this.#parts.newSecret(), callback }: NewWebhook): KnownWebhook {
    if (!NAME.test(name)) throw usage(name, "a name has lower-case letters, digits and hyphens, 63 at most");
    if (!isSender(sender)) throw usage(name, `the sender ${JSON.stringify(sender)} is none of ${senders.join(", ")}`);
    if (callback && sender !== "docker-hub") throw usage(name, "only Docker Hub sends a callback_url");
    if (this.#known.has(name)) {
      throw new SteppeError("WEBHOOK_EXISTS", {
        operation: "add",
        subject: `webhook ${name}`,
        cause: "there is one of this name",
      });
    }
    checkSecret(secret, sender, name);
    const createdAt = this.#parts.clock.now();
    return this.#put({ name, sender, secret, old: null, callback, createdAt, rotatedAt: null });
  }

  /**
   * Gives a new secret; the one before holds on for a while. While one still holds, only if it ends at once: which of the two the
   * sender has nobody knows. Throws WEBHOOK_NOT_FOUND, WEBHOOK_ROTATING, USAGE.
   */
  rotate(name: string, { keepMs, secret = this.#parts.newSecret() }: Rotation): KnownWebhook {
    const known = this.get(name);
    const now = this.#parts.clock.now();
    if (keepMs > 0 && known.old !== null && now < known.old.until) {
      throw new SteppeError("WEBHOOK_ROTATING", {
        operation: "rotate the secret of",
        subject: `webhook ${name}`,
        cause: `it was replaced just before, and the old one holds until ${new Date(known.old.until).toISOString()}`,
        hint: `End that with \`steppe webhook rotate ${name} --finish\`, or make both void with \`--keep 0\`.`,
      });
    }
    checkSecret(secret, known.sender, name);
    const old = keepMs > 0 ? { secret: known.secret, until: now + keepMs } : null;
    return this.#put({ ...known, secret, old, rotatedAt: now });
  }

  /** The secret before the last rotation holds no longer. Throws WEBHOOK_NOT_FOUND. */
  finishRotation(name: string): KnownWebhook {
    return this.#put({ ...this.get(name), old: null });
  }

  /** Throws WEBHOOK_NOT_FOUND. */
  remove(name: string): void {
    this.get(name);
    this.#parts.table.delete(name);
    this.#known.delete(name);
  }

  #put(webhook: KnownWebhook): KnownWebhook {
    this.#parts.table.put(webhook);
    this.#known.set(webhook.name, webhook);
    return webhook;
  }
}

function usage(name: string, cause: string): SteppeError {
  const subject = `webhook ${JSON.stringify(name.slice(0, 100))}`;
  return new SteppeError("USAGE", { operation: "add", subject, cause, hint: "See `steppe webhook add --help`." });
}
