import { isDeepStrictEqual } from "node:util";
import { parseJson } from "../../src/shared/json/parse-json.ts";
import type { Recording } from "./recording.ts";

/** A request as a server got it. */
export interface ReceivedRequest {
  method: string;
  /** The path, with its query. */
  target: string;
  body: string;
}

/** Whether a request is the one that was recorded: the same method, path, query in any order, and body, as JSON or as text. */
export function isRecordedRequest({ request }: Recording, received: ReceivedRequest): boolean {
  return (
    request.method === received.method &&
    isDeepStrictEqual(canonical(request.target), canonical(received.target)) &&
    isDeepStrictEqual(bodyOf(request.body), bodyOf(received.body))
  );
}

export function describeRequest({ method, target, body }: ReceivedRequest): string {
  const shown = body.length > 300 ? `${body.slice(0, 300)}…` : body;
  return `${method} ${target}${shown === "" ? "" : ` ${shown}`}`;
}

/** Names are encoded in more than one way, and parameters have no order. */
function canonical(target: string): { path: string[]; query: string[] } {
  const [path = "", query = ""] = target.split(/\?(.*)/s);
  const parameters = [...new URLSearchParams(query)].map(([name, value]) => `${name}=${value}`);
  return { path: path.split("/").map(decodeURIComponent), query: parameters.sort() };
}

function bodyOf(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
