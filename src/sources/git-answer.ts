import type { ServerResponse } from "node:http";
import { drained } from "./drained.ts";

/** Where an answer to a git client goes: one HTTP response, whatever server it belongs to. */
export interface GitAnswer {
  /** Sends the head; called once, before anything else. */
  start(status: number, headers: Readonly<Record<string, string>>): void;
  /** Resolves when more may be written, and also when nobody is there to read it. Never rejects. */
  write(chunk: Uint8Array): Promise<void>;
  /** Ends a whole answer. */
  end(): void;
  /** Breaks an answer off, so that the client cannot take it for whole. */
  destroy(): void;
}

/** Answers through a response of `node:http`. */
export function answerThrough(response: ServerResponse): GitAnswer {
  return {
    start(status, headers) {
      response.writeHead(status, headers);
    },
    async write(chunk) {
      if (!response.destroyed && !response.write(chunk)) await drained(response);
    },
    end() {
      response.end();
    },
    destroy() {
      response.destroy();
    },
  };
}
