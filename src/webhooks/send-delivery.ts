import { request as httpRequest } from "node:http";
import { SteppeError } from "../shared/errors.ts";
import type { TestDelivery } from "./senders/test-delivery.ts";

const TIMEOUT_MS = 10_000;
/** The listener's answers are short. */
const MOST_BYTES = 64 * 1024;

/**
 * Sends a delivery to the listener of this process. Resolves with the status, and the delivery's number if it was journaled. Rejects with
 * RECEIVER_UNAVAILABLE.
 */
export async function sendDelivery(
  address: URL,
  { headers, body, pathToken }: TestDelivery,
  signal: AbortSignal,
): Promise<{ status: number; delivery: number | null }> {
  const path = pathToken === null ? address.pathname : `${address.pathname}/${pathToken}`;
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; delivery: number | null }>();
  const request = httpRequest(address, {
    method: "POST",
    path,
    headers: { ...headers, "content-length": body.length, "user-agent": "Steppe-Webhook-Test" },
    agent: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  request.on("error", reject);
  request.on("response", (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (piece: string) => {
      if (text.length < MOST_BYTES) text += piece;
    });
    response.on("error", reject);
    response.on("end", () => resolve({ status: response.statusCode ?? 0, delivery: deliveryOf(text) }));
  });
  request.end(body);
  return await promise.catch((error: unknown) => {
    signal.throwIfAborted();
    const cause = error instanceof Error ? error.message : String(error);
    const parts = { operation: "send a delivery to", subject: address.host, cause };
    throw new SteppeError("RECEIVER_UNAVAILABLE", parts, { cause: error });
  });
}

function deliveryOf(text: string): number | null {
  try {
    const { delivery } = JSON.parse(text) as { delivery?: unknown };
    return typeof delivery === "number" ? delivery : null;
  } catch {
    return null; // no answer of the receiver's; the status says it
  }
}
