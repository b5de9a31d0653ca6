import { type SenderAdapter, Malformed } from "./senders/adapter.ts";
import { parseBody } from "./senders/parse-body.ts";
import type { Delivery, Judgement, Refusal, RefusalCode } from "./types.ts";

/** Characters of a reason: it quotes what was sent. */
const MOST_REASON = 200;

/**
 * The refusal of what is not proven; undefined if one of the secrets proves it. Empty secrets prove nothing, and no secrets
 * prove nothing.
 */
export function verifyDelivery(
  adapter: SenderAdapter,
  delivery: Delivery,
  secrets: readonly string[],
): Refusal | undefined {
  const usable = secrets.filter((secret) => secret !== "");
  // All are tried, so that the time says nothing of which it was.
  const verdicts = usable.map((secret) => adapter.verify(delivery, secret));
  if (verdicts.includes(undefined)) return undefined;
  return refused("WEBHOOK_UNVERIFIED", verdicts[0] ?? "the webhook has no secret");
}

/** What a delivery says that is proven. */
export function readDelivery(adapter: SenderAdapter, delivery: Delivery): Judgement {
  try {
    const reading = adapter.read(parseBody(delivery), delivery.headers);
    if ("hints" in reading) return { verdict: "accepted", hints: reading.hints, reason: null };
    return { verdict: "ignored", hints: [], reason: printable(reading.nothing) };
  } catch (error) {
    if (error instanceof Malformed) return refused("DELIVERY_MALFORMED", printable(error.message));
    throw error;
  }
}

export function refused(code: RefusalCode, reason: string): Refusal {
  return { verdict: "refused", hints: [], code, reason };
}

/** Reasons quote what was sent, are kept, and are shown in terminals. */
function printable(reason: string): string {
  return reason.slice(0, MOST_REASON).replaceAll(/[^\x20-\x7e]/g, "?");
}
