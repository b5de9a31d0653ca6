import { type BlockingQuery, type Snapshot, watch } from "../shared/blocking/watch.ts";
import type { Clock } from "../shared/clock.ts";
import { HttpApi } from "../shared/http-api/http-api.ts";
import type { TlsMaterial } from "../shared/http-api/tls-files.ts";
import { withoutMissing } from "../shared/http-api/without-missing.ts";
import type { RetryPolicy } from "../shared/http/retry-policy.ts";
import type { TimeLimits } from "../shared/http/transport.ts";
import { Acl } from "./acl.ts";
import { Agent } from "./agent.ts";
import { Catalog } from "./catalog.ts";
import { consulErrors, isConsulAway } from "./consul-errors.ts";
import { Health } from "./health.ts";
import { Kv } from "./kv.ts";
import type { ConsulOptions } from "./options.ts";
import type { CallOptions } from "./query.ts";
import { Sessions } from "./sessions.ts";
import { Status } from "./status.ts";
import { runTransaction, type TxnOperation, type TxnOutcome } from "./txn.ts";

export interface ConsulClientOptions {
  clock: Clock;
  /** 0 to 1, for jitter. Default Math.random. */
  random?: (() => number) | undefined;
  times?: Partial<TimeLimits> | undefined;
  retry?: Partial<RetryPolicy> | undefined;
}

export interface ConsulWatchOptions<Value> {
  signal: AbortSignal;
  /** Told of each query that failed, and how many in a row did; to be shown to somebody. */
  onTrouble?: (error: unknown, failures: number) => void;
  /** Milliseconds. Default 60,000. */
  waitMs?: number;
  isSame?: (before: Value, after: Value) => boolean;
}

/**
 * A client of Consul's HTTP API, a part for each resource. Keeps its connections until it is disposed of.
 *
 * All of it throws CONSUL_UNREACHABLE, CONSUL_DENIED, CONSUL_LIMITED, CONSUL_REFUSED and CONSUL_ANSWER_INVALID, which name the agent and what it said, and of which
 * the cause has its status, its body and what was expected; USAGE for names that cannot be addressed; and the reason of the signal.
 */
export class Consul implements Disposable {
  readonly acl: Acl;
  readonly agent: Agent;
  readonly catalog: Catalog;
  readonly health: Health;
  readonly kv: Kv;
  readonly sessions: Sessions;
  readonly status: Status;
  readonly #api: HttpApi;
  readonly #client: ConsulClientOptions;

  /** @param token in place of what `options` say of it */
  constructor(
    options: ConsulOptions,
    { token, tls, ...client }: ConsulClientOptions & { token: string | undefined; tls: TlsMaterial },
  ) {
    const { endpoint, authorization } = options;
    const headers = withoutMissing({ "x-consul-token": token, authorization });
    const query = withoutMissing({ dc: options.datacenter, ns: options.namespace, partition: options.partition });
    const api = new HttpApi({ endpoint, tls, headers, query, errors: consulErrors, ...client });
    this.#api = api;
    this.#client = client;
    this.acl = new Acl(api, token !== undefined);
    this.agent = new Agent(api);
    this.catalog = new Catalog(api);
    this.health = new Health(api);
    this.kv = new Kv(api);
    this.sessions = new Sessions(api);
    this.status = new Status(api);
  }

  /** All of the operations or none. */
  transaction(operations: readonly TxnOperation[], options: CallOptions = {}): Promise<TxnOutcome> {
    return runTransaction(this.#api, operations, options);
  }

  /**
   * What a query answers, and whenever that is something else: `watch((question) => consul.kv.get(key, question), { signal })`. Goes on while Consul is away; ends
   * with any other error, and with the reason of the signal.
   */
  watch<Value>(
    query: BlockingQuery<Value>,
    { signal, onTrouble, waitMs, isSame }: ConsulWatchOptions<Value>,
  ): AsyncGenerator<Snapshot<Value>, never, void> {
    const { clock, random } = this.#client;
    const onFailure = (error: unknown, failures: number): boolean => {
      onTrouble?.(error, failures);
      return isConsulAway(error);
    };
    return watch(query, { clock, random, signal, waitMs, isSame, onFailure });
  }

  [Symbol.dispose](): void {
    this.#api[Symbol.dispose]();
  }
}
