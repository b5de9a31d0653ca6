export { HintActor } from "./act-on-hint.ts";
export type { DeliveryJournal, JournaledHint, KeptDelivery, NewDelivery, Recorded } from "./delivery-journal.ts";
export { type HintHandler, HintQueue, type HintQueueLimits, type HintQueueOptions } from "./hint-queue.ts";
export { HubCallback } from "./hub-callback.ts";
export { type OpenPaths, OpenPathTable } from "./open-paths.ts";
export { Receiver } from "./receiver.ts";
export type { ReceiverLimits, ReceiverOptions } from "./receiver-options.ts";
export {
  type Hint,
  type ImageHint,
  type RefHint,
  type Sender,
  senders,
  type Webhook,
  type WebhookDirectory,
} from "./types.ts";
export type { DeliveryView, HintView, WebhookSetup, WebhookTest, WebhookView } from "./views.ts";
export { type NewWebhook, type Rotation, WebhookRegistry } from "./webhook-registry.ts";
export { type SenderAddress, type WebhookListener, WebhookService } from "./webhook-service.ts";
