import type { TimeLimits } from "../http/transport.ts";
import type { Purpose } from "./purpose.ts";

/** True stands for a name without a value, a list for a name that comes with each; undefined takes away what every request has. */
export type ApiQuery = Readonly<Record<string, string | true | readonly string[] | undefined>>;

/** One request. */
export interface ApiCall extends Purpose {
  method: "GET" | "PUT" | "POST" | "DELETE";
  /** The parts of the path, as they are: `["v1", "job", name]`. Each is encoded, also a `/` in it. */
  path: readonly string[];
  /** Whether the path ends with a slash. */
  trailingSlash?: boolean | undefined;
  query?: ApiQuery | undefined;
  /** The body, written as JSON. */
  json?: unknown;
  /** Or the body as it is. */
  content?: Uint8Array | string | undefined;
  /** The statuses that are no error. Default: 200. */
  expect?: readonly number[] | undefined;
  /** Whether it does no harm twice: then it is tried again when its answer is lost. Default: true of a GET. */
  repeatable?: boolean | undefined;
  /** Answer when there is something newer. Tried once: whoever asks so asks again anyway. */
  blocking?: { index: bigint; waitMs: number } | undefined;
  /** The longest answer, bytes. Default 32 MiB. */
  mostBytes?: number | undefined;
  times?: Partial<TimeLimits> | undefined;
  signal?: AbortSignal | undefined;
}
