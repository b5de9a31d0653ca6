import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import type { DeliveryTable } from "../store/index.ts";
import type { JournaledHint } from "./delivery-journal.ts";
import { redeliver } from "./redeliver.ts";
import { sendDelivery } from "./send-delivery.ts";
import { setupOf } from "./setup-of.ts";
import type { Hint } from "./types.ts";
import {
  type DeliveryView,
  deliveryView,
  type WebhookSetup,
  type WebhookTest,
  type WebhookView,
  webhookView,
} from "./views.ts";
import type { KnownWebhook, NewWebhook, Rotation, WebhookRegistry } from "./webhook-registry.ts";

/** What a test waits for what comes of it, milliseconds, and how often it looks. */
const TEST_MS = 5000;
const LOOK_MS = 50;

/** Where deliveries are received. */
export interface WebhookListener {
  /** Listens if there is a webhook and it does not yet, and closes when there is none. Rejects with PORT_TAKEN, PORT_FORBIDDEN, USAGE. */
  follow(): Promise<void>;
  /** `http://127.0.0.1:7071/hooks/`, to which a webhook's name is added, as this machine reaches it; null if nothing listens. */
  address(): string | null;
}

/** How senders reach the listener. */
export interface SenderAddress {
  /** To which a webhook's name is added: `https://steppe.example.com/hooks/`. */
  base: string;
  /** What a person should know of it, if anything. */
  note: string | null;
}

export interface WebhookServiceParts {
  registry: WebhookRegistry;
  deliveries: DeliveryTable<Hint>;
  listener: WebhookListener;
  /** Told of hints once they are durable. */
  onHints(hints: readonly JournaledHint[]): void;
  clock: Clock;
}

/** What a person may do with webhooks and deliveries. Failures are SteppeErrors. */
export class WebhookService {
  readonly #parts: WebhookServiceParts;

  constructor(parts: WebhookServiceParts) {
    this.#parts = parts;
  }

  list(): WebhookView[] {
    return this.#parts.registry.all().map((known) => this.#view(known));
  }

  /** Throws WEBHOOK_NOT_FOUND. */
  get(name: string): WebhookView {
    return this.#view(this.#parts.registry.get(name));
  }

  /**
   * Rejects with USAGE, WEBHOOK_EXISTS, and if nothing can be received with PORT_TAKEN, PORT_FORBIDDEN.
   *
   * @param address tells how the sender reaches the listener, once there is one
   */
  async add(webhook: NewWebhook, address: () => SenderAddress): Promise<WebhookSetup> {
    const { registry, listener } = this.#parts;
    const known = registry.add(webhook);
    try {
      await listener.follow();
    } catch (error) {
      registry.remove(known.name);
      throw error;
    }
    return this.#setup(known, address());
  }

  /** Throws WEBHOOK_NOT_FOUND, WEBHOOK_ROTATING, USAGE. */
  rotate(name: string, rotation: Rotation, address: () => SenderAddress): WebhookSetup {
    return this.#setup(this.#parts.registry.rotate(name, rotation), address());
  }

  /** Throws WEBHOOK_NOT_FOUND. */
  finishRotation(name: string): WebhookView {
    return this.#view(this.#parts.registry.finishRotation(name));
  }

  /** Rejects with WEBHOOK_NOT_FOUND. */
  async remove(name: string): Promise<void> {
    this.#parts.registry.remove(name);
    await this.#parts.listener.follow();
  }

  /**
   * Sends a delivery as the sender would make it through the listener, and waits some seconds for what comes of it. Rejects with
   * WEBHOOK_NOT_FOUND, RECEIVER_UNAVAILABLE.
   */
  async test(name: string, signal: AbortSignal): Promise<WebhookTest> {
    const { registry, listener, clock } = this.#parts;
    const { sender, secret } = registry.get(name);
    const address = listener.address();
    if (address === null) {
      const cause = "nothing listens for deliveries";
      throw new SteppeError("RECEIVER_UNAVAILABLE", { operation: "test", subject: `webhook ${name}`, cause });
    }
    const { makeTestDelivery } = await import("./senders/test-delivery.ts");
    const { status, delivery } = await sendDelivery(
      new URL(name, address),
      makeTestDelivery(sender, secret, clock.now()),
      signal,
    );
    return { status, delivery: delivery === null ? null : await this.#settled(delivery, signal) };
  }

  /**
   * The newest first, of one webhook or of all.
   *
   * @param options.before only those with a lower number
   */
  deliveries(options: { webhook?: string; before?: number; limit: number }): DeliveryView[] {
    const { deliveries } = this.#parts;
    return deliveries.list(options).map((row) => deliveryView(row, deliveries));
  }

  /** Reads a delivery once again and acts on it. Rejects with DELIVERY_NOT_FOUND. */
  async redeliver(id: number): Promise<DeliveryView> {
    const { deliveries, clock, onHints } = this.#parts;
    const again = await redeliver(deliveries, id, clock);
    onHints(again.hints);
    return this.#delivery(again.delivery);
  }

  /** As soon as all that it said was acted on, or after a while. */
  async #settled(id: number, signal: AbortSignal): Promise<DeliveryView> {
    const { clock } = this.#parts;
    const end = clock.monotonic() + TEST_MS;
    for (;;) {
      const view = this.#delivery(id);
      if (view.hints.every(({ settledAt }) => settledAt !== null) || clock.monotonic() >= end) return view;
      await clock.sleep(LOOK_MS, { signal });
    }
  }

  #delivery(id: number): DeliveryView {
    const { deliveries } = this.#parts;
    const row = deliveries.get(id);
    if (row !== undefined) return deliveryView(row, deliveries);
    const cause = "it is forgotten already";
    throw new SteppeError("DELIVERY_NOT_FOUND", { operation: "find", subject: `delivery ${id}`, cause });
  }

  #view(known: KnownWebhook): WebhookView {
    const { deliveries, clock } = this.#parts;
    return webhookView(known, deliveries, clock.now());
  }

  #setup(known: KnownWebhook, { base, note }: SenderAddress): WebhookSetup {
    const { name, sender, secret } = known;
    const hasToken = sender === "docker-hub" || sender === "quay";
    const url = `${base}${name}${hasToken ? `/${secret}` : ""}`;
    const setup = setupOf(sender, { name, url, secret });
    const notes = [...(note === null ? [] : [note]), ...setup.notes];
    return { webhook: this.#view(known), url, secret, ...setup, notes };
  }
}
