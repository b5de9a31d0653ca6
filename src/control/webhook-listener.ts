import type { ListenAddress } from "../config/index.ts";
import { SerialQueue } from "../shared/serial-queue.ts";
import type { Receiver, WebhookListener } from "../webhooks/index.ts";
import { listenAgain } from "./listen-again.ts";

export interface WebhookListenerParts {
  /** Where to listen now. */
  wanted(): ListenAddress;
  /** Where the ingress reaches it, besides; null if it is not asked to. */
  socket: string | null;
  /** Its address when control ran last; null if nothing listened then. */
  last: string | null;
  isWanted(): boolean;
  makeReceiver(): Receiver;
  /** Told of each change, before `follow` resolves: where deliveries are received now, or null. */
  changed(address: string | null): Promise<void>;
}

/**
 * Listens for deliveries as long as there is a webhook, and moves if it is wanted elsewhere. Who has none keeps the port free, and has nothing that strangers could reach.
 */
export class SwitchedListener implements WebhookListener {
  readonly #parts: WebhookListenerParts;
  readonly #turns = new SerialQueue();
  #open: { receiver: Receiver; address: string; wanted: ListenAddress } | undefined;
  #last: string | null;

  constructor(parts: WebhookListenerParts) {
    this.#parts = parts;
    this.#last = parts.last;
  }

  address(): string | null {
    return this.#open?.address ?? null;
  }

  follow(): Promise<void> {
    return this.#turns.run(async () => {
      const isWanted = this.#parts.isWanted();
      const wanted = this.#parts.wanted();
      if (isWanted && this.#open !== undefined && !isSame(this.#open.wanted, wanted)) await this.#move(wanted);
      if (isWanted && this.#open === undefined) await this.#listen(wanted);
      if (isWanted || this.#open === undefined) return;
      await this.#parts.changed(null); // nobody is led to it any more
      await this.#close();
    });
  }

  /** For the end of control: the ingress goes on leading there, and tells senders to come again. */
  close(): Promise<void> {
    return this.#turns.run(() => this.#close());
  }

  /** If it cannot be there, it is where it was: whoever sends there does not suffer from it. Rejects all the same. */
  async #move(wanted: ListenAddress): Promise<void> {
    const before = this.#open?.wanted;
    await this.#close();
    try {
      await this.#listen(wanted);
    } catch (error) {
      if (before !== undefined) await this.#listen(before);
      throw error;
    }
  }

  async #listen(wanted: ListenAddress): Promise<void> {
    const { socket, makeReceiver, changed } = this.#parts;
    const receiver = makeReceiver();
    try {
      const address = `${await listenAgain(receiver, wanted, this.#last)}/hooks/`;
      if (socket !== null) await receiver.listenOnSocket(socket);
      await changed(address);
      this.#open = { receiver, address, wanted };
      this.#last = address;
    } catch (error) {
      await receiver.close();
      throw error;
    }
  }

  async #close(): Promise<void> {
    await this.#open?.receiver.close();
    this.#open = undefined;
  }
}

function isSame(one: ListenAddress, other: ListenAddress): boolean {
  return one.host === other.host && one.port === other.port;
}
