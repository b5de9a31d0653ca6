import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { describeRequest, isRecordedRequest, type ReceivedRequest } from "./recorded-request.ts";
import { type Recording, recording } from "./recording.ts";

export interface ReplayOptions {
  /**
   * `story` (the default): each request must be the next of the list. `request`: any of the list, as often as it comes; of several recordings of the same
   * request one after another, and then the last again.
   */
  order?: "story" | "request";
}

/** A server that answers what was recorded, and nothing else; ends with its scope. */
export interface Replay extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  /** All requests as they came: `GET /v1/kv/a`. */
  readonly seen: readonly string[];
  /** Throws if a request came that was not to come or, in a story, one did not come that was. So does the end of the scope. */
  verify(): void;
}

/**
 * Answers as Consul or Nomad did: a request must have the same method, path, query (in any order) and body (as JSON, or as text). Another is answered with 501,
 * and the replay's end throws. A recorded stream is sent a line at a time, and then ends.
 *
 * @param files of `test/recordings`: `24-kv-get-image-tag`
 */
export async function replay(
  system: "consul" | "fabio" | "nomad",
  files: readonly string[],
  { order = "story" }: ReplayOptions = {},
): Promise<Replay> {
  const recordings = files.map((file) => recording(system, file));
  const next = order === "story" ? inStory(recordings) : byRequest(recordings);
  const seen: string[] = [];
  const wrong: string[] = [];
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      wrong.push(String(error));
      response.destroy();
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await receive(request);
    seen.push(`${received.method} ${received.target}`);
    const found = next.find(received);
    if (typeof found !== "string") {
      await send(response, found);
      return;
    }
    wrong.push(found);
    response.writeHead(501, { "content-type": "text/plain" }).end(found);
  }

  function verify(): void {
    const problems = [...wrong, ...next.missing()];
    if (problems.length > 0)
      throw new Error(`the replay of ${system} expected something else:\n${problems.join("\n")}`);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    address: `http://127.0.0.1:${address.port}`,
    seen,
    verify,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      verify();
    },
  };
}

interface Expectation {
  /** What answers the request; or why nothing does. */
  find(received: ReceivedRequest): Recording | string;
  missing(): string[];
}

function inStory(recordings: readonly Recording[]): Expectation {
  let at = 0;
  return {
    find(received) {
      const expected = recordings[at];
      if (expected === undefined) return `after the end of the story came ${describeRequest(received)}`;
      if (!isRecordedRequest(expected, received)) {
        return `in place of ${expected.file} (${describeRequest(expected.request)}) came ${describeRequest(received)}`;
      }
      at++;
      return expected;
    },
    missing: () => recordings.slice(at).map(({ file, request }) => `${file} did not come: ${describeRequest(request)}`),
  };
}

function byRequest(recordings: readonly Recording[]): Expectation {
  const given = new Set<Recording>();
  return {
    find(received) {
      const fitting = recordings.filter((one) => isRecordedRequest(one, received));
      const found = fitting.find((one) => !given.has(one)) ?? fitting.at(-1);
      if (found === undefined) return `there is no recording of ${describeRequest(received)}`;
      given.add(found);
      return found;
    },
    missing: () => [],
  };
}

async function receive(request: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return { method: request.method ?? "", target: request.url ?? "", body: Buffer.concat(chunks).toString("utf8") };
}

/** Of the connection, and wrong of a body that is written anew: JSON has other spaces than it had. */
const LEFT_OUT = new Set(["connection", "content-length", "date", "transfer-encoding"]);

async function send(response: ServerResponse, { response: recorded }: Recording): Promise<void> {
  for (const [name, value] of Object.entries(recorded.headers)) {
    if (!LEFT_OUT.has(name.toLowerCase())) response.setHeader(name, value);
  }
  response.statusCode = recorded.status;
  if (recorded.stream === undefined) {
    response.end(recorded.bodyText ?? (hasBody(recorded) ? recorded.bodyJson : undefined));
    return;
  }
  for (const line of recorded.stream) {
    if (!response.write(`${line}\n`)) await once(response, "drain");
  }
  response.end();
}

function hasBody({ body, headers }: Recording["response"]): boolean {
  if (!isDeepStrictEqual(body ?? null, null)) return true;
  // A body of `null`, which Go ends with a line feed, and none at all are both null in a recording.
  const length = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-length")?.[1];
  return length !== undefined && Number(length) >= 4;
}
