import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createSecureServer, type ServerOptions } from "node:https";

/** A request as a server saw it. */
export interface Seen {
  method: string;
  /** With its query. */
  target: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A server on a free port of this machine that ends with its scope. */
export interface FakeServer extends AsyncDisposable {
  /** `127.0.0.1:PORT`, unless it was told where to listen */
  host: string;
  /** All requests, in their order. */
  seen: Seen[];
}

/** Does as it likes with a request; what it does not answer at once stays unanswered. */
export type Answerer = (seen: Seen, response: ServerResponse) => void;

/**
 * @param tls key and certificate as one PEM, or all of it; with it the server speaks TLS
 * @param at default: a free port of 127.0.0.1
 */
export async function fakeServer(
  answer: Answerer,
  tls?: string | ServerOptions,
  at: { address: string; port: number } = { address: "127.0.0.1", port: 0 },
): Promise<FakeServer> {
  const seen: Seen[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {}); // a client that goes away
    request.on("end", () => {
      const { method = "", url: target = "", headers } = request;
      const entry = { method, target, headers, body: Buffer.concat(chunks) };
      seen.push(entry);
      answer(entry, response);
    });
  };
  const secure = typeof tls === "string" ? { key: tls, cert: tls } : tls;
  const server = secure === undefined ? createServer(listener) : createSecureServer(secure, listener);
  server.listen(at.port, at.address);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    host: `${at.address}:${address.port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/**
 * What a room's tests ask such a server with, opened for its address; both end together.
 *
 * @param open makes it for `127.0.0.1:PORT`
 */
export async function withFakeServer<Client extends AsyncDisposable>(
  answer: Answerer,
  open: (host: string) => Client,
): Promise<Client & Pick<FakeServer, "host" | "seen">> {
  const server = await fakeServer(answer);
  const client = open(server.host);
  return {
    ...client,
    host: server.host,
    seen: server.seen,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
