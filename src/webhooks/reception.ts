import type { IncomingMessage, ServerResponse } from "node:http";
import { boundedBody, endEarly } from "../shared/bounded-body.ts";
import { errorCodes, SteppeError, toSteppeError } from "../shared/errors.ts";
import { WindowQuota } from "../shared/window-quota.ts";
import type { NewDelivery, Recorded } from "./delivery-journal.ts";
import { readDelivery, refused, verifyDelivery } from "./judge-delivery.ts";
import { JournalWriter } from "./journal-writer.ts";
import { keptHeaders } from "./kept-headers.ts";
import { readOpenDelivery } from "./read-open-delivery.ts";
import type { ReceiverLimits, ReceiverOptions } from "./receiver-options.ts";
import type { SenderAdapter } from "./senders/adapter.ts";
import type { Delivery, Judgement, Refusal, Webhook } from "./types.ts";

/** `/hooks/NAME`, `/hooks/NAME/TOKEN`. */
const PATH = /^\/hooks\/(?<name>[a-z0-9][a-z0-9-]{0,62})(?:\/(?<token>[A-Za-z0-9._~-]{1,256}))?$/;

const MINUTE_MS = 60_000;

/** A delivery on its way in. */
interface Arrival {
  request: IncomingMessage;
  response: ServerResponse;
  webhook: Webhook;
  adapter: SenderAdapter;
  pathToken: string | null;
  /** At an open path, the repositories that it may tell of; else null. */
  repositories: readonly string[] | null;
  expectsContinue: boolean;
}

/** Where a delivery came. */
type Place = Pick<Arrival, "webhook" | "pathToken" | "repositories">;

/** What becomes of one request: found, proven, read, judged, journaled, answered, in this order. */
export class Reception {
  readonly #options: ReceiverOptions;
  readonly #limits: ReceiverLimits;
  readonly #closing: AbortSignal;
  readonly #writer: JournalWriter;
  /** By webhook. Anybody who knows an address can be refused, and each refusal that is journaled costs a sync to disk. */
  readonly #quota: WindowQuota;
  /** By open path, of what nothing proves: each delivery that is taken costs a sync as well. */
  readonly #openQuota: WindowQuota;
  #largeBodies = 0;

  constructor(options: ReceiverOptions, limits: ReceiverLimits, closing: AbortSignal) {
    this.#options = options;
    this.#limits = limits;
    this.#closing = closing;
    this.#writer = new JournalWriter(options);
    this.#quota = new WindowQuota(options.clock, limits.refusals, MINUTE_MS);
    this.#openQuota = new WindowQuota(options.clock, limits.unproven, MINUTE_MS);
  }

  /** Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    response.setHeader("cache-control", "no-store");
    response.setHeader("x-content-type-options", "nosniff");
    try {
      await this.#receive(request, response, expectsContinue);
    } catch (thrown) {
      const error = toSteppeError(thrown, "receive", "a delivery");
      if (error.code === "INTERNAL") this.#options.log.error({ err: thrown }, "a delivery could not be received");
      if (response.headersSent || response.destroyed) response.destroy();
      else await this.#send(request, response, errorCodes[error.code].status, error);
    }
  }

  async #receive(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    if (this.#closing.aborted) throw unavailable("Steppe is stopping");
    if (this.#isHealthCheck(request)) return void response.writeHead(204).end();
    const place = this.#find(request, response);
    const { webhook, pathToken } = place;
    // With zod, whose 10 MB nobody wants who has no webhooks.
    const { adapters } = await import("./senders/adapters.ts");
    const adapter = adapters[webhook.sender];
    if (adapter.proof !== "path" && pathToken !== null) throw notFound(webhook.name);
    await this.#judge({ request, response, adapter, expectsContinue, ...place });
  }

  /** Where there are open paths, whoever watched over what was there before asks so whether this runs. */
  #isHealthCheck({ method, url }: IncomingMessage): boolean {
    return (method === "GET" || method === "HEAD") && url === "/" && this.#options.openPaths?.has() === true;
  }

  #find(request: IncomingMessage, response: ServerResponse): Place {
    const [path = ""] = (request.url ?? "").split("?", 1);
    const repositories = this.#options.openPaths?.repositories(path) ?? [];
    const { name, token } = PATH.exec(path)?.groups ?? (repositories.length > 0 ? { name: path } : {});
    if (name === undefined) {
      const cause = "there is no such address";
      throw new SteppeError("NOT_FOUND", { operation: "receive", subject: "a delivery", cause });
    }
    if (request.method !== "POST") {
      response.setHeader("allow", "POST");
      throw new SteppeError("METHOD_NOT_ALLOWED", { operation: "receive", subject: name, cause: "it takes POST" });
    }
    if (repositories.length > 0) {
      return { webhook: { name, sender: "docker-hub", secrets: [] }, pathToken: null, repositories };
    }
    const webhook = this.#options.webhooks.find(name);
    if (webhook === undefined) throw notFound(name);
    return { webhook, pathToken: token ?? null, repositories: null };
  }

  async #judge(arrival: Arrival): Promise<void> {
    const { request, webhook, adapter, pathToken, repositories } = arrival;
    const bare: Delivery = {
      headers: request.headers,
      body: Buffer.alloc(0),
      pathToken,
      now: this.#options.clock.now(),
    };
    if (repositories !== null) this.#requireQuota(webhook.name);
    else if (adapter.proof !== "body") {
      const refusal = verifyDelivery(adapter, bare, webhook.secrets);
      if (refusal !== undefined) return this.#conclude(arrival, refusal, null, 0);
    }
    const body = await this.#readBody(arrival);
    if (!Buffer.isBuffer(body)) return this.#conclude(arrival, body, null, 0);
    const delivery = { ...bare, body };
    // Of what is not proven the body is not kept: else strangers could fill the disk, or leave something to be redelivered.
    if (repositories !== null) {
      return this.#conclude(arrival, readOpenDelivery(adapter, delivery, repositories), null, body.length);
    }
    const refusal = adapter.proof === "body" ? verifyDelivery(adapter, delivery, webhook.secrets) : undefined;
    if (refusal !== undefined) return this.#conclude(arrival, refusal, null, body.length);
    return this.#conclude(arrival, readDelivery(adapter, delivery), body, body.length);
  }

  /** Throws RECEIVER_UNAVAILABLE. */
  #requireQuota(path: string): void {
    const { isWithin, isFirstBeyond } = this.#openQuota.take(path);
    if (isFirstBeyond)
      this.#options.log.warn({ path }, "many deliveries come that nothing proves; more of this minute are not taken");
    if (!isWithin)
      throw unavailable("too many deliveries came here in a minute; what they tell of is found by polling");
  }

  /** The body, or why it is refused. Throws RECEIVER_UNAVAILABLE, and USAGE if the sender breaks off. */
  async #readBody({ request, response, expectsContinue }: Arrival): Promise<Buffer | Refusal> {
    const { bodyBytes, bodyMs, largeBytes, largeBodies } = this.#limits;
    const { clock } = this.#options;
    const deadline = clock.monotonic() + bodyMs;
    const chunks: Buffer[] = [];
    let size = 0;
    let isLarge = false;
    if (expectsContinue && Number(request.headers["content-length"] ?? 0) <= bodyBytes) response.writeContinue();
    try {
      for await (const chunk of boundedBody(request, bodyBytes, () => deadline - clock.monotonic(), clock)) {
        size += chunk.length;
        if (!isLarge && size > largeBytes) {
          if (this.#largeBodies >= largeBodies) throw unavailable("too many large bodies come at once");
          isLarge = true;
          this.#largeBodies++;
        }
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } catch (error) {
      if (!(error instanceof SteppeError)) throw error;
      if (error.code !== "BODY_TOO_LARGE" && error.code !== "BODY_TIMEOUT") throw error;
      return refused(error.code, error.reason);
    } finally {
      if (isLarge) this.#largeBodies--;
    }
  }

  /** Journals, and then answers. */
  async #conclude(arrival: Arrival, judgement: Judgement, body: Buffer | null, bodyBytes: number): Promise<void> {
    const { request, response, webhook, adapter } = arrival;
    const isOpen = arrival.repositories !== null;
    const status = statusOf(judgement, adapter.isStubborn(request.headers), isOpen);
    const delivery: NewDelivery = {
      webhook: webhook.name,
      sender: webhook.sender,
      receivedAt: this.#options.clock.now(),
      verdict: judgement.verdict,
      reason: judgement.reason,
      status,
      headers: keptHeaders(request.headers),
      body: body !== null && body.length <= this.#limits.keptBytes ? body : null,
      bodyBytes,
      hints: judgement.hints,
      redeliveryOf: null,
    };
    if (judgement.verdict === "refused" && status >= 300) {
      await this.#recordRefusal(delivery);
      const parts = { operation: "receive", subject: webhook.name, cause: judgement.reason };
      await this.#send(request, response, status, new SteppeError(judgement.code, parts));
      return;
    }
    const recorded = await this.#record(delivery);
    this.#options.onHints(recorded.hints);
    if (isOpen) return void response.writeHead(204).end();
    const verdict = recorded.isDuplicate ? "duplicate" : judgement.verdict;
    await this.#send(request, response, status, { delivery: recorded.delivery, verdict, reason: judgement.reason });
  }

  /** Throws RECEIVER_UNAVAILABLE if it could not be written: then nothing of it was accepted, and it may be sent again. */
  async #record(delivery: NewDelivery): Promise<Recorded> {
    try {
      return await this.#writer.record(delivery);
    } catch (error) {
      this.#options.log.error({ err: error, webhook: delivery.webhook }, "a delivery could not be journaled");
      throw unavailable("it could not be written to disk");
    }
  }

  /** The answer of a refusal is the same whether or not it could be written. */
  async #recordRefusal(delivery: NewDelivery): Promise<void> {
    const { log } = this.#options;
    const { webhook, reason } = delivery;
    const { isWithin, isFirstBeyond } = this.#quota.take(webhook);
    if (isFirstBeyond) log.warn({ webhook }, "many deliveries are refused; more of this minute are not journaled");
    if (!isWithin) return;
    log.warn({ webhook, reason }, "a delivery was refused");
    await this.#writer.record(delivery).catch((error: unknown) => {
      log.error({ err: error, webhook }, "a refused delivery could not be journaled");
    });
  }

  async #send(request: IncomingMessage, response: ServerResponse, status: number, answer: object): Promise<void> {
    const body = `${JSON.stringify(answer)}\n`;
    response.statusCode = status;
    response.setHeader("content-type", "application/json; charset=utf-8");
    response.setHeader("content-length", Buffer.byteLength(body));
    if (status === 503) response.setHeader("retry-after", "5");
    await endEarly(request, response, body, this.#options.clock);
  }
}

/** 202 for what will be acted on, 200 for what needs nothing, at an open path 204 as ever; a stubborn sender's nonsense is taken off its queue. */
function statusOf(judgement: Judgement, isStubborn: boolean, isOpen: boolean): number {
  if (judgement.verdict !== "refused" && isOpen) return 204;
  if (judgement.verdict !== "refused") return judgement.verdict === "accepted" ? 202 : 200;
  const isNonsense = judgement.code === "DELIVERY_MALFORMED" || judgement.code === "BODY_TOO_LARGE";
  return isStubborn && isNonsense ? 202 : errorCodes[judgement.code].status;
}

function notFound(name: string): SteppeError {
  const cause = "there is no webhook at this address";
  return new SteppeError("WEBHOOK_NOT_FOUND", { operation: "receive", subject: name, cause });
}

function unavailable(cause: string): SteppeError {
  return new SteppeError("RECEIVER_UNAVAILABLE", { operation: "receive", subject: "a delivery", cause });
}
