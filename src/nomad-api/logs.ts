import type { HttpApi } from "../shared/http-api/http-api.ts";
import { type LogFrame, readLogFrame } from "./log-frame.ts";
import { call, callOf, type CallOptions } from "./query.ts";
import { streamObjects } from "./stream-objects.ts";

/** Which log. */
export interface LogSource {
  /** The allocation's whole id. */
  allocation: string;
  task: string;
  type: "stdout" | "stderr";
}

/** Nomad puts up to 64 KiB into a frame. */
const MOST_FRAME_BYTES = 1024 * 1024;
/** While nothing is written, an empty frame comes each second. */
const FOLLOW_TIMES = { idle: 30_000 };

/** What tasks write: https://developer.hashicorp.com/nomad/api-docs/client#stream-logs. Throws NOMAD_NOT_FOUND if there is no such allocation or task. */
export class Logs {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /**
   * What a task wrote.
   *
   * @param options.lastBytes no more than so many, the last; all if not given: up to 100 MB, of which more than 32 MiB are NOMAD_ANSWER_INVALID
   */
  read(source: LogSource, options: CallOptions & { lastBytes?: number } = {}): Promise<Buffer> {
    const { lastBytes } = options;
    const only = { plain: "true", ...(lastBytes === undefined ? {} : fromEnd(lastBytes)) };
    const parts = { ...about(source), method: "GET", query: { ...queryOf(source), ...only } } as const;
    return call(this.#api, parts, options, ({ content }) =>
      lastBytes === undefined ? content : content.subarray(Math.max(0, content.length - lastBytes)),
    );
  }

  /**
   * What a task writes, as it does so, until it is over or the signal says so.
   *
   * @param options.lastBytes begin so many bytes before the end; default 0
   */
  async *follow(
    source: LogSource,
    options: CallOptions & { lastBytes?: number } = {},
  ): AsyncGenerator<LogFrame, void, void> {
    const only = { follow: "true", ...fromEnd(options.lastBytes ?? 0) };
    const parts = {
      ...about(source),
      method: "GET",
      query: { ...queryOf(source), ...only },
      times: FOLLOW_TIMES,
    } as const;
    const apiCall = callOf(parts, options);
    using answer = await this.#api.open(apiCall);
    for await (const frame of streamObjects(this.#api, apiCall, answer, MOST_FRAME_BYTES, readLogFrame)) {
      if (frame !== undefined) yield frame;
    }
  }
}

function about({ allocation, task, type }: LogSource): { operation: string; subject: string; path: string[] } {
  const path = ["v1", "client", "fs", "logs", allocation];
  return { operation: `read ${type} of the task`, subject: `${task} in ${allocation}`, path };
}

function queryOf({ task, type }: LogSource): Record<string, string> {
  return { task, type };
}

function fromEnd(bytes: number): Record<string, string> {
  return { origin: "end", offset: String(bytes) };
}
