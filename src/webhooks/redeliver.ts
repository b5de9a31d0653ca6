import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import type { DeliveryJournal, Recorded } from "./delivery-journal.ts";
import { readDelivery } from "./judge-delivery.ts";
import { isSender, type Judgement } from "./types.ts";

/** A delivery that was read again, and what came of that. */
export interface Redelivered extends Recorded {
  verdict: Judgement["verdict"];
  reason: string | null;
}

/**
 * Reads a delivery that was proven once again, as a new one whose events count as new; its hints are to be handed on. What was not
 * proven has no body in the journal, and cannot be. Throws DELIVERY_NOT_FOUND.
 */
export async function redeliver(journal: DeliveryJournal, id: number, clock: Clock): Promise<Redelivered> {
  const kept = journal.get(id);
  const parts = { operation: "redeliver", subject: `delivery ${id}` };
  if (kept === undefined) throw new SteppeError("DELIVERY_NOT_FOUND", { ...parts, cause: "there is no such delivery" });
  const { sender, webhook, headers, body, bodyBytes } = kept;
  if (body === null || !isSender(sender)) {
    throw new SteppeError("DELIVERY_NOT_FOUND", { ...parts, cause: "its body is not kept" });
  }
  const { adapters } = await import("./senders/adapters.ts");
  const judgement = readDelivery(adapters[sender], { headers, body, pathToken: null, now: clock.now() });
  const again = {
    webhook,
    sender,
    receivedAt: clock.now(),
    verdict: judgement.verdict,
    reason: judgement.reason,
    status: null,
    headers,
    body,
    bodyBytes,
    hints: judgement.hints,
    redeliveryOf: id,
  };
  const [recorded] = journal.record([again]);
  if (recorded === undefined) throw new Error("the journal did not answer for a delivery");
  return { ...recorded, verdict: judgement.verdict, reason: judgement.reason };
}
