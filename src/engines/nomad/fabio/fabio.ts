import { SteppeError } from "../../../shared/errors.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { ApiErrors } from "../../../shared/http-api/api-errors.ts";
import { parseEndpoint } from "../../../shared/http-api/endpoint.ts";
import { HttpApi } from "../../../shared/http-api/http-api.ts";
import type { Purpose } from "../../../shared/http-api/purpose.ts";
import { Fields } from "../../../shared/json/fields.ts";
import { oneLine } from "../../../shared/one-line.ts";

/** Somewhere that Fabio sends visitors to. */
export interface FabioTarget {
  /** The service's name in Consul. */
  service: string;
  /** In lower case; empty is any host. */
  host: string;
  path: string;
  /** Where to: `10.0.0.1:23456`; of a redirect no instance's. */
  address: string;
  /** Whether it answers visitors itself, with another address. */
  isRedirect: boolean;
  /** The share of the visitors, 0 to 1. */
  weight: number;
}

const TIMES = { connect: 1000, head: 3000, idle: 3000 };
const DEFAULTS = { scheme: "http:", port: 9998 } as const;

/**
 * One instance of Fabio, by its own API: https://fabiolb.net/ref/ui.addr. Keeps its connections until it is disposed of. All of it throws FABIO_UNREACHABLE, and the reason of
 * the signal.
 */
export class Fabio implements Disposable {
  /** As messages name it. */
  readonly address: string;
  readonly #api: HttpApi;

  /** @param address of its API, `http://10.0.0.1:9998`. Throws ENVIRONMENT_INVALID. */
  constructor(address: string, clock: Clock) {
    const endpoint = parseEndpoint(address, DEFAULTS, "the address of Fabio");
    const retry = { attempts: 1 };
    this.#api = new HttpApi({ endpoint, tls: {}, headers: {}, query: {}, errors, clock, times: TIMES, retry });
    this.address = this.#api.server;
  }

  /** Where it sends visitors to now. */
  routes(signal?: AbortSignal): Promise<FabioTarget[]> {
    const call = {
      operation: "read",
      subject: "Fabio's routes",
      method: "GET",
      path: ["api", "routes"],
      signal,
    } as const;
    // Without any route it is `null`.
    return this.#api.read(call, (answer) => Fields.list(answer.json() ?? []).map(readTarget));
  }

  version(signal?: AbortSignal): Promise<string> {
    const call = {
      operation: "read",
      subject: "Fabio's version",
      method: "GET",
      path: ["api", "version"],
      signal,
    } as const;
    return this.#api.read(call, (answer) => oneLine(answer.text()));
  }

  [Symbol.dispose](): void {
    this.#api[Symbol.dispose]();
  }
}

/** Throws ShapeError. */
function readTarget(fields: Fields): FabioTarget {
  const url = fields.text("dst");
  return {
    service: fields.text("service"),
    host: fields.text("host"),
    path: fields.text("path"),
    address: addressOf(url),
    isRedirect: (fields.optionalText("opts") ?? "").split(" ").some((option) => option.startsWith("redirect=")),
    weight: fields.amount("weight"),
  };
}

/** With the port, also where it is the one that the scheme has anyway; of `https://new.example.com$path`, to which a redirect leads, there is no address. */
function addressOf(url: string): string {
  const [, scheme, host = url, port] = /^([a-z]+):\/\/([^/?#]*?)(:[0-9]+)?(?:[/?#]|$)/i.exec(url) ?? [];
  return `${host}${port ?? (scheme === "https" ? ":443" : ":80")}`;
}

const errors: ApiErrors = {
  unreachable: (purpose, server, error) => failure(purpose, server, error.message, error),
  answer: (purpose, unexpected) => failure(purpose, undefined, unexpected.message, unexpected),
  invalid: failure,
  isTransient: () => false,
};

function failure(
  { operation, subject }: Purpose,
  server: string | undefined,
  why: string,
  cause?: unknown,
): SteppeError {
  const text = server === undefined ? why : `${server}: ${why}`;
  return new SteppeError("FABIO_UNREACHABLE", { operation, subject, cause: text }, { cause });
}
