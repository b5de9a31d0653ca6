import { Agent, type IncomingMessage, request as httpRequest, type ServerResponse } from "node:http";
import type { Seen } from "../fake-server.ts";

/** Of a connection, and so of each of the two. */
const HOP_BY_HOP = ["connection", "transfer-encoding", "keep-alive"];

/** What somebody between two wants to know of an answer. */
export interface Watcher {
  /** Makes another body of an answer; it is sent on when it is whole then. */
  rewrite?(body: string): Promise<string>;
  onHead?(status: number, headers: IncomingMessage["headers"]): void;
  /** As it is sent on. */
  onChunk?(chunk: Buffer): void;
  /** The answer is whole. */
  onEnd?(): void;
  /** Nobody answered, or the answer broke off by itself. */
  onFailure?(): void;
}

/** A connection of its own for each request: an answer that goes on holds up no other. */
const agent = new Agent({ keepAlive: false });

/** Asks another server what was asked here, and sends its answer on as it comes. Who goes away is gone there as well. */
export function forward(
  upstream: string,
  { method, target, headers, body }: Seen,
  response: ServerResponse,
  watcher: Watcher = {},
): void {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
  const outgoing = httpRequest(new URL(target, upstream), { method, headers: kept, agent, setHost: false });
  let isOver = false;
  const over = (tell?: () => void): void => {
    if (isOver) return;
    isOver = true;
    tell?.();
  };
  const fail = (): void => {
    over(() => watcher.onFailure?.());
    response.destroy();
  };
  response.on("close", () => {
    over();
    outgoing.destroy();
  });
  outgoing.on("error", fail);
  outgoing.on("response", (answer) => {
    const status = answer.statusCode ?? 0;
    watcher.onHead?.(status, answer.headers);
    for (const name of HOP_BY_HOP) delete answer.headers[name];
    const chunks = watcher.rewrite === undefined ? undefined : ([] as Buffer[]);
    if (chunks === undefined) {
      response.writeHead(status, answer.headers);
      response.flushHeaders();
    }
    answer.on("data", (chunk: Buffer) => {
      if (chunks !== undefined) chunks.push(chunk);
      else send(chunk);
    });
    answer.on("error", fail);
    answer.on("end", () => {
      void finish(answer, status, chunks);
    });
  });
  const send = (chunk: Buffer): void => {
    watcher.onChunk?.(chunk);
    response.write(chunk);
  };
  const finish = async (
    answer: IncomingMessage,
    status: number,
    chunks: readonly Buffer[] | undefined,
  ): Promise<void> => {
    if (chunks !== undefined) {
      const rewritten = await watcher.rewrite?.(Buffer.concat(chunks).toString("utf8"));
      delete answer.headers["content-length"];
      response.writeHead(status, answer.headers);
      send(Buffer.from(rewritten ?? ""));
    }
    over(() => watcher.onEnd?.());
    response.end();
  };
  outgoing.end(body);
}
