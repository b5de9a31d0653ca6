import type { IncomingMessage } from "node:http";
import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import { hasBody } from "./exchange.ts";

/**
 * The JSON of a request's body; undefined if it has none.
 *
 * @param mostBytes more is BODY_TOO_LARGE, refused before it is read where the length is told
 * @param mostMs later is BODY_TIMEOUT
 * Throws also USAGE for another type, or what is no JSON.
 */
export async function readJson(
  request: IncomingMessage,
  mostBytes: number,
  mostMs: number,
  clock: Clock,
): Promise<unknown> {
  if (!hasBody(request)) return undefined;
  requireType(request, ["application/json"]);
  const chunks: Buffer[] = [];
  const deadline = clock.monotonic() + mostMs;
  for await (const chunk of boundedBody(request, mostBytes, () => deadline - clock.monotonic(), clock)) {
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SteppeError("USAGE", { ...subject(request), cause: `the body is no JSON: ${(error as Error).message}` });
  }
}

/**
 * A body of any size, as it comes.
 *
 * @param idleMs a pause that is longer is BODY_TIMEOUT
 * Throws also BODY_TOO_LARGE, and USAGE for another type.
 */
export function readArchive(
  request: IncomingMessage,
  mostBytes: number,
  idleMs: number,
  clock: Clock,
): AsyncIterable<Buffer> {
  requireType(request, ["application/x-tar", "application/octet-stream"]);
  return boundedBody(request, mostBytes, () => idleMs, clock);
}

/** Refuses another content type, or a body that is compressed on its way. */
function requireType(request: IncomingMessage, types: readonly string[]): void {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (types.includes(type) && encoding === "identity") return;
  throw new SteppeError("USAGE", {
    ...subject(request),
    cause: `the body's type is ${JSON.stringify(type)}${encoding === "identity" ? "" : `, encoded as ${encoding}`}`,
    hint: `Send it as ${types[0]}, not compressed.`,
  });
}

async function* boundedBody(
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
      if (request.destroyed) throw new SteppeError("USAGE", { ...subject(request), cause: "the client broke off" });
      await Promise.race([readable(request, came.signal), waited]);
      if (late) throw new SteppeError("BODY_TIMEOUT", { ...subject(request), cause: "the body did not come in time" });
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
  return new SteppeError("BODY_TOO_LARGE", { ...subject(request), cause: `the body is larger than ${most} bytes` });
}

function subject(request: IncomingMessage): { operation: string; subject: string } {
  return { operation: "read", subject: `${request.method} ${request.url?.split("?", 1)[0]}` };
}
