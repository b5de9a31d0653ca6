import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "./clock.ts";
import { SteppeError } from "./errors.ts";

/** How long what a client still sends is read, when its request has been answered already. */
const LINGER_MS = 2000;

/** Whether a request carries a body (RFC 9112, section 6.3). */
export function hasBody(request: IncomingMessage): boolean {
  const { "content-length": length, "transfer-encoding": encoding } = request.headers;
  return encoding !== undefined || (length !== undefined && length !== "0");
}

/**
 * A request's body as it comes.
 *
 * @param mostBytes more is BODY_TOO_LARGE, refused before it is read where the length is told
 * @param patience how many milliseconds the next piece may take; longer is BODY_TIMEOUT
 * Throws also USAGE if the client breaks off.
 */
export async function* boundedBody(
  request: IncomingMessage,
  mostBytes: number,
  patience: () => number,
  clock: Clock,
): AsyncGenerator<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > mostBytes) throw tooLarge(request, mostBytes);
  let size = 0;
  for (;;) {
    const chunk = await nextChunk(request, patience(), clock);
    if (chunk === undefined) return;
    size += chunk.length;
    if (size > mostBytes) throw tooLarge(request, mostBytes);
    yield chunk;
  }
}

/**
 * What has come next; undefined at the end. By hand, not by iterating: an iteration that is left in the middle either destroys
 * the connection, or keeps hold of the request so that the rest cannot be read away.
 */
async function nextChunk(request: IncomingMessage, ms: number, clock: Clock): Promise<Buffer | undefined> {
  const came = new AbortController();
  let late = false;
  const waited = clock.sleep(Math.max(0, ms), { signal: came.signal, unref: true }).then(
    () => (late = true),
    () => {}, // something came
  );
  try {
    for (;;) {
      const chunk = request.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (request.readableEnded) return undefined;
      if (request.destroyed)
        throw new SteppeError("USAGE", { ...requestSubject(request), cause: "the client broke off" });
      await Promise.race([readable(request, came.signal), waited]);
      if (late)
        throw new SteppeError("BODY_TIMEOUT", { ...requestSubject(request), cause: "the body did not come in time" });
    }
  } finally {
    came.abort();
    await waited;
  }
}

/** Resolves when there is something to find out about a request, or the signal aborts. */
function readable(request: IncomingMessage, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const events = ["readable", "end", "error", "close"] as const;
    const done = (): void => {
      for (const event of events) request.off(event, done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    for (const event of events) request.on(event, done);
    signal.addEventListener("abort", done);
  });
}

function tooLarge(request: IncomingMessage, most: number): SteppeError {
  return new SteppeError("BODY_TOO_LARGE", {
    ...requestSubject(request),
    cause: `the body is larger than ${most} bytes`,
  });
}

/**
 * Ends an answer whose head is set and not yet sent. If some of the request has not been read, the connection is closed with it; but
 * closing with unread data resets the connection, and the client may never see the answer: so what it sends is read on a little.
 */
export async function endEarly(
  request: IncomingMessage,
  response: ServerResponse,
  body: string,
  clock: Clock,
): Promise<void> {
  if (request.complete || !hasBody(request)) {
    response.end(body);
    return;
  }
  response.setHeader("connection", "close");
  response.write(body);
  request.resume();
  const enough = new AbortController();
  for (const event of ["end", "error", "close"]) request.once(event, () => enough.abort());
  await clock.sleep(LINGER_MS, { signal: enough.signal, unref: true }).catch(() => {}); // read to its end, or gone
  response.end();
}

/** What an error about a request's body names. */
export function requestSubject(request: IncomingMessage): { operation: string; subject: string } {
  return { operation: "read", subject: `${request.method} ${request.url?.split("?", 1)[0]}` };
}
