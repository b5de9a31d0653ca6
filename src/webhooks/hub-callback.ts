import { request as httpsRequest } from "node:https";
import type { Logger } from "../shared/log.ts";
import type { DeliveryJournal, JournaledHint } from "./delivery-journal.ts";
import type { Outcome } from "./hint-queue.ts";
import { isOpenPath } from "./open-paths.ts";
import type { KnownWebhook } from "./webhook-registry.ts";

/** The one host that is ever called, whatever a delivery says. */
export const CALLBACK_HOST = "registry.hub.docker.com";

const TIMEOUT_MS = 10_000;
const MOST_ADDRESS = 2048;
const MOST_DESCRIPTION = 255;

export interface HubCallbackParts {
  webhooks: { get(name: string): Pick<KnownWebhook, "callback" | "sender"> };
  deliveries: Pick<DeliveryJournal, "get">;
  log: Logger;
  /** Sends; for tests. */
  post?: (address: URL, json: object, signal: AbortSignal) => Promise<number>;
}

/**
 * Tells Docker Hub what came of a delivery, at the `callback_url` that it brought: of webhooks for which that is switched on, once it is
 * known what came of it, and only at Docker Hub's own host. Tried once; a failure is logged and changes nothing.
 */
export class HubCallback {
  readonly #parts: Required<HubCallbackParts>;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(parts: HubCallbackParts) {
    this.#parts = { post, ...parts };
  }

  /** Of hints that were settled. Never throws. */
  report(hints: readonly JournaledHint[], outcome: Outcome): void {
    for (const { webhook, delivery } of new Map(hints.map((hint) => [hint.delivery, hint])).values()) {
      const running = this.#report(webhook, delivery, outcome)
        .catch((error: unknown) => {
          this.#parts.log.warn({ err: error, webhook, delivery }, "Docker Hub's callback_url could not be called");
        })
        .finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
  }

  /** Aborts what runs. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("Steppe is stopping"));
    await Promise.all(this.#running);
  }

  async #report(webhook: string, delivery: number, { text, isDone }: Outcome): Promise<void> {
    const { webhooks, deliveries, log } = this.#parts;
    if (isOpenPath(webhook)) return; // an open path: whoever sends there is not called
    const { callback, sender } = webhooks.get(webhook);
    if (!callback || sender !== "docker-hub") return;
    const body = deliveries.get(delivery)?.body ?? null;
    const address = body === null ? undefined : callbackAddress(Buffer.from(body).toString("utf8"));
    if (address === undefined) {
      log.warn({ webhook, delivery }, "the delivery has no callback_url of Docker Hub's");
      return;
    }
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const description = text.slice(0, MOST_DESCRIPTION);
    const state = isDone ? "success" : "error";
    const status = await this.#parts.post(address, { state, description, context: "Steppe" }, signal);
    log.info({ webhook, delivery, status, state }, "Docker Hub's callback_url was called");
  }
}

/** The `callback_url` of a delivery; undefined if there is none, or it leads anywhere but to Docker Hub by HTTPS. */
export function callbackAddress(text: string): URL | undefined {
  let said: unknown;
  try {
    said = (JSON.parse(text) as { callback_url?: unknown } | null)?.callback_url;
  } catch {
    return undefined; // it was read before, so this is a sender's form, which has none
  }
  if (typeof said !== "string" || said.length > MOST_ADDRESS) return undefined;
  const url = URL.parse(said);
  if (url === null || url.protocol !== "https:" || url.host !== CALLBACK_HOST) return undefined;
  return url.username === "" && url.password === "" ? url : undefined;
}

/** Follows no redirect, and reads nothing of the answer but its status. */
function post(address: URL, json: object, signal: AbortSignal): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const body = JSON.stringify(json);
  const request = httpsRequest({
    host: CALLBACK_HOST,
    path: address.pathname + address.search,
    method: "POST",
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    agent: false,
    signal,
  });
  request.on("error", reject);
  request.on("close", () => reject(new Error("the connection was closed without an answer"))); // as after a 101
  request.on("response", (response) => {
    response.destroy();
    resolve(response.statusCode ?? 0);
  });
  request.end(body);
  return promise;
}
