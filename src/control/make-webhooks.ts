import { newToken } from "../api/index.ts";
import type { ListenAddress } from "../config/index.ts";
import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/log.ts";
import { DeliveryTable, type Store, WebhookTable } from "../store/index.ts";
import {
  type Hint,
  type HintHandler,
  HintQueue,
  HubCallback,
  type OpenPathTable,
  Receiver,
  WebhookRegistry,
  WebhookService,
} from "../webhooks/index.ts";
import { SwitchedListener } from "./webhook-listener.ts";

export interface WebhookParts {
  store: Store;
  handler: HintHandler;
  /** Where to listen. */
  wanted: ListenAddress;
  /** Where to listen if apps have open paths; null: there as well. */
  wantedOpen: ListenAddress | null;
  /** The paths of apps that prove nothing. */
  openPaths: OpenPathTable;
  socket: string | null;
  /** Its address when control ran last; null if nothing listened then. */
  last: string | null;
  /** See WebhookListenerParts. */
  changed(address: string | null): Promise<void>;
  clock: Clock;
  log: Logger;
}

export interface Webhooks {
  readonly service: WebhookService;
  /** Whether there is one. */
  has(): boolean;
  /** The open paths of apps have changed. */
  pathsChanged(): void;
  /** Takes up what was left, and then listens. Rejects with PORT_TAKEN, PORT_FORBIDDEN, USAGE. */
  start(): Promise<void>;
  /** Receives no more, and then acts on no more. */
  stop(): Promise<void>;
}

/** Joins what receives deliveries, what acts on their hints, and what people may do with them. */
export function makeWebhooks(parts: WebhookParts): Webhooks {
  const { store, handler, clock, log, openPaths, wantedOpen, wanted, ...place } = parts;
  const deliveries = new DeliveryTable<Hint>(store);
  const registry = new WebhookRegistry({ table: new WebhookTable(store), clock, newSecret: newToken });
  const callback = new HubCallback({ webhooks: registry, deliveries, log });
  const queue = new HintQueue({
    journal: deliveries,
    handler,
    clock,
    log,
    onSettled: (hints, outcome) => callback.report(hints, outcome),
  });
  const onHints = queue.add.bind(queue);
  const has = (): boolean => registry.all().length > 0 || openPaths.has();
  const listener = new SwitchedListener({
    ...place,
    wanted: () => (openPaths.has() ? (wantedOpen ?? wanted) : wanted),
    isWanted: has,
    makeReceiver: () => new Receiver({ webhooks: registry, openPaths, journal: deliveries, onHints, clock, log }),
  });
  let isStarted = false;
  return {
    service: new WebhookService({ registry, deliveries, listener, onHints, clock }),
    has,
    pathsChanged: () => {
      if (!isStarted) return;
      listener.follow().catch((error: unknown) => {
        log.error({ err: error }, "webhooks of apps with `compatible.webhook` cannot be received");
      });
    },
    start: async () => {
      queue.resume();
      isStarted = true;
      await listener.follow();
    },
    stop: async () => {
      isStarted = false;
      await listener.close();
      await queue.close();
      await callback.close();
    },
  };
}
