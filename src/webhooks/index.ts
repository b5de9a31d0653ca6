export { HintActor } from "./act-on-hint.ts";
export type { DeliveryJournal, JournaledHint, KeptDelivery, NewDelivery, Recorded } from "./delivery-journal.ts";
export { type HintHandler, HintQueue, type HintQueueLimits, type HintQueueOptions } from "./hint-queue.ts";
export { Receiver } from "./receiver.ts";
export type { ReceiverLimits, ReceiverOptions } from "./receiver-options.ts";
export { redeliver } from "./redeliver.ts";
export {
  type Hint,
  type ImageHint,
  type RefHint,
  type Sender,
  senders,
  type Webhook,
  type WebhookDirectory,
} from "./types.ts";
