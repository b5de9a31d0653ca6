import type { ServerResponse } from "node:http";
import type { FileAnswer, PackRange } from "./file-answerer.ts";
import type { PackBodies } from "./pack-bodies.ts";

const UNREADABLE = Buffer.from("500 The file could not be read.\n");

/**
 * Sends an answer. Whatever goes wrong before the head is sent becomes a 500; after it, the connection is destroyed, so
 * that no client takes half a file for the whole.
 *
 * @returns the error of reading the body, or undefined; for the log
 */
export async function sendAnswer(answer: FileAnswer, response: ServerResponse, bodies: PackBodies): Promise<unknown> {
  const { status, headers, body } = answer;
  if (body.kind !== "pack") {
    response.writeHead(status, headers);
    response.end(body.kind === "bytes" ? body.bytes : undefined);
    return undefined;
  }
  const cached = bodies.cached(body.range);
  if (cached !== undefined) {
    response.writeHead(status, headers);
    response.end(cached);
    return undefined;
  }
  try {
    if (body.range.size <= bodies.smallBytes) {
      const bytes = await bodies.readSmall(body.range);
      response.writeHead(status, headers);
      response.end(bytes);
    } else {
      await stream(answer, body.range, response, bodies);
    }
    return undefined;
  } catch (error) {
    if (response.headersSent) response.destroy();
    else sendUnreadable(response);
    return error;
  }
}

async function stream(
  answer: FileAnswer,
  range: PackRange,
  response: ServerResponse,
  bodies: PackBodies,
): Promise<void> {
  for await (const chunk of bodies.chunks(range)) {
    if (response.destroyed) return; // the client went away
    // The head waits for the first bytes, so that a pack that cannot be read is still an honest 500.
    if (!response.headersSent) response.writeHead(answer.status, answer.headers);
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

/** Resolves when the client has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

function sendUnreadable(response: ServerResponse): void {
  response.writeHead(500, {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": UNREADABLE.length,
    "Cache-Control": "no-store",
  });
  response.end(UNREADABLE);
}
