import { type BlockingQuery, type Snapshot, watch } from "../shared/blocking/watch.ts";
import type { Clock } from "../shared/clock.ts";
import { HttpApi } from "../shared/http-api/http-api.ts";
import type { TlsMaterial } from "../shared/http-api/tls-files.ts";
import { withoutMissing } from "../shared/http-api/without-missing.ts";
import type { RetryPolicy } from "../shared/http/retry-policy.ts";
import type { TimeLimits } from "../shared/http/transport.ts";
import { Agent } from "./agent.ts";
import { Allocations } from "./allocations.ts";
import { Deployments } from "./deployments.ts";
import { Evaluations } from "./evaluations.ts";
import { type EventStreamItem, type EventTopic, followEvents } from "./event-stream.ts";
import { Jobs } from "./jobs.ts";
import { Logs } from "./logs.ts";
import { Namespaces } from "./namespaces.ts";
import { Nodes } from "./nodes.ts";
import { isNomadAway, nomadErrors } from "./nomad-errors.ts";
import type { NomadOptions } from "./options.ts";
import type { CallOptions } from "./query.ts";
import { Search } from "./search.ts";
import { Status } from "./status.ts";
import { System } from "./system.ts";

export interface NomadClientOptions {
  clock: Clock;
  /** 0 to 1, for jitter. Default Math.random. */
  random?: (() => number) | undefined;
  times?: Partial<TimeLimits> | undefined;
  retry?: Partial<RetryPolicy> | undefined;
  /** A token of Consul, which goes with what registers a job: servers with `allow_unauthenticated = false` want one that may write its services. */
  consulToken?: string | undefined;
}

/** Of what goes on until its signal ends it. */
interface LastingOptions {
  signal: AbortSignal;
  /** Told of each time that Nomad could not be asked, and how many in a row; to be shown to somebody. */
  onTrouble?: (error: unknown, failures: number) => void;
}

export interface NomadWatchOptions<Value> extends LastingOptions {
  /** Milliseconds. Default 60,000. */
  waitMs?: number;
  isSame?: (before: Value, after: Value) => boolean;
}

export interface NomadEventOptions extends LastingOptions, Omit<CallOptions, "signal"> {
  topics: readonly EventTopic[];
}

/**
 * A client of Nomad's HTTP API, a part for each resource. Keeps its connections until it is disposed of.
 *
 * All of it throws NOMAD_UNREACHABLE, NOMAD_DENIED, NOMAD_LIMITED, NOMAD_REFUSED and NOMAD_ANSWER_INVALID, which name the agent and what it said, and of which the
 * cause has its status, its body and what was expected; NOMAD_NOT_FOUND for what a call is about, where its result cannot say so; USAGE for names that cannot be
 * addressed; and the reason of the signal.
 */
export class Nomad implements Disposable {
  readonly agent: Agent;
  readonly allocations: Allocations;
  readonly deployments: Deployments;
  readonly evaluations: Evaluations;
  readonly jobs: Jobs;
  readonly logs: Logs;
  readonly namespaces: Namespaces;
  readonly nodes: Nodes;
  readonly search: Search;
  readonly status: Status;
  readonly system: System;
  readonly #api: HttpApi;
  readonly #client: NomadClientOptions;

  constructor(options: NomadOptions, { tls, consulToken, ...client }: NomadClientOptions & { tls: TlsMaterial }) {
    const { endpoint, token, authorization, region, namespace } = options;
    const headers = withoutMissing({ "x-nomad-token": token, authorization });
    const query = withoutMissing({ region, namespace });
    const api = new HttpApi({ endpoint, tls, headers, query, errors: nomadErrors, ...client });
    this.#api = api;
    this.#client = client;
    this.agent = new Agent(api);
    this.allocations = new Allocations(api);
    this.deployments = new Deployments(api);
    this.evaluations = new Evaluations(api);
    this.jobs = new Jobs(api, consulToken);
    this.logs = new Logs(api);
    this.namespaces = new Namespaces(api);
    this.nodes = new Nodes(api);
    this.search = new Search(api);
    this.status = new Status(api);
    this.system = new System(api);
  }

  /**
   * What a query answers, and whenever that is something else: `watch((question) => nomad.deployments.read(id, question), { signal })`. Goes on while Nomad is away;
   * ends with any other error, and with the reason of the signal.
   */
  watch<Value>(
    query: BlockingQuery<Value>,
    { signal, onTrouble, waitMs, isSame }: NomadWatchOptions<Value>,
  ): AsyncGenerator<Snapshot<Value>, never, void> {
    const { clock, random } = this.#client;
    return watch(query, { clock, random, signal, waitMs, isSame, onFailure: whileAway(onTrouble) });
  }

  /**
   * What changes, as it does. Goes on, over as many connections as it takes, while Nomad is away; ends with any other error, and with the reason of the signal.
   */
  events({ onTrouble, ...options }: NomadEventOptions): AsyncGenerator<EventStreamItem, never, void> {
    const { clock, random } = this.#client;
    return followEvents(this.#api, { ...options, clock, random, onFailure: whileAway(onTrouble) });
  }

  [Symbol.dispose](): void {
    this.#api[Symbol.dispose]();
  }
}

function whileAway(onTrouble: LastingOptions["onTrouble"]): (error: unknown, failures: number) => boolean {
  return (error, failures) => {
    onTrouble?.(error, failures);
    return isNomadAway(error);
  };
}
