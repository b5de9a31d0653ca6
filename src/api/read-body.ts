import type { IncomingMessage } from "node:http";
import { boundedBody, hasBody, requestSubject } from "../shared/bounded-body.ts";
import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";

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
    throw new SteppeError("USAGE", {
      ...requestSubject(request),
      cause: `the body is no JSON: ${(error as Error).message}`,
    });
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
    ...requestSubject(request),
    cause: `the body's type is ${JSON.stringify(type)}${encoding === "identity" ? "" : `, encoded as ${encoding}`}`,
    hint: `Send it as ${types[0]}, not compressed.`,
  });
}
