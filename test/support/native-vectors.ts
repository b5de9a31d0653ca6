import {
  judge,
  readWireAnswer,
  requestOf,
  vectors,
  vectorSite,
  type WireAnswer,
} from "../../src/site-server/test-support/vectors.ts";
import type { NativeServer } from "./native-server.ts";

/**
 * Asks a native server that serves the site of the vectors all of them, at once.
 *
 * @returns a line for each answer that is wrong
 */
export async function wrongAnswers(server: NativeServer): Promise<string[]> {
  const site = vectorSite();
  const wrong = await Promise.all(
    vectors().map(async (vector) => {
      const before = vector.before === undefined ? undefined : await ask(server, vector.before);
      const answer = await ask(server, requestOf(vector, before));
      return judge(vector, answer, site).map((line) => `${vector.name}: ${line}`);
    }),
  );
  return wrong.flat();
}

async function ask(server: NativeServer, request: string): Promise<WireAnswer> {
  const answer = await server.exchange(Buffer.from(request, "latin1"));
  return readWireAnswer(answer, request.startsWith("HEAD "));
}
