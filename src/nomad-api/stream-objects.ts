import type { HttpAnswer } from "../shared/http/transport.ts";
import { TransportError } from "../shared/http/transport-error.ts";
import type { ApiCall } from "../shared/http-api/api-call.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { UnexpectedAnswer } from "../shared/http-api/unexpected-answer.ts";
import { Fields } from "../shared/json/fields.ts";
import { parseJson } from "../shared/json/parse-json.ts";
import { ShapeError } from "../shared/json/shape-error.ts";
import { nomadErrors } from "./nomad-errors.ts";
import { JsonTooLong, splitJson, TextAmongJson } from "./split-json.ts";

/**
 * Yields what `read` makes of each JSON object of an answer that goes on, until the server ends it. Throws NOMAD_UNREACHABLE if it breaks off, what a text means that
 * Nomad ended it with, and NOMAD_ANSWER_INVALID for an object that cannot be read or is longer than `mostBytes`. Does not dispose of the answer.
 */
export async function* streamObjects<Value>(
  api: HttpApi,
  purpose: ApiCall,
  answer: HttpAnswer,
  mostBytes: number,
  read: (fields: Fields) => Value,
): AsyncGenerator<Value, void, void> {
  try {
    for await (const text of splitJson(answer.body(), mostBytes)) yield read(Fields.of(parseJson(text)));
  } catch (error) {
    throw streamError(api, purpose, error);
  }
}

function streamError({ server }: HttpApi, purpose: ApiCall, error: unknown): unknown {
  if (error instanceof TransportError) return nomadErrors.unreachable(purpose, server, error, false);
  if (error instanceof TextAmongJson) return nomadErrors.answer(purpose, endedWith(server, error.message));
  if (error instanceof ShapeError)
    return nomadErrors.invalid(purpose, server, `of what it sends ${error.message}`, error);
  if (error instanceof SyntaxError)
    return nomadErrors.invalid(purpose, server, `what it sends is no JSON (${error.message})`, error);
  if (error instanceof JsonTooLong) return nomadErrors.invalid(purpose, server, error.message, error);
  return error;
}

/** The head was sent when it failed: the status that Nomad would have answered is 500. */
function endedWith(server: string, text: string): UnexpectedAnswer {
  return new UnexpectedAnswer({ server, status: 500, body: text, expected: [200] });
}
