import type { Snapshot } from "../shared/blocking/watch.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { type Allocation, type AllocationSummary, readAllocation, readAllocationSummary } from "./allocation.ts";
import { idOf } from "./evaluation.ts";
import { call, type CallOptions, find, query, type QueryOptions } from "./query.ts";
import { readTimestamp } from "./timestamps.ts";

/** What an allocation uses at a moment; 0 of what its driver does not measure. */
export interface AllocationStats {
  /** Milliseconds since 1970. */
  at: number | undefined;
  /** Bytes, page cache included. */
  memory: number;
  /** Bytes that are the tasks' own. */
  residentMemory: number;
  /** Percent of one core. */
  cpu: number;
}

/** https://developer.hashicorp.com/nomad/api-docs/allocations. Changes throw NOMAD_NOT_FOUND. */
export class Allocations {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /**
   * Those of all jobs: one query that tells of every app. Those that are over are among them until Nomad collects its garbage.
   *
   * @param options.tasks with the states of their tasks, which are most of the answer; default true
   */
  list(options: QueryOptions & { tasks?: boolean } = {}): Promise<Snapshot<AllocationSummary[]>> {
    const only = (options.tasks ?? true) ? {} : { task_states: "false" };
    const parts = { operation: "list", subject: "Nomad's allocations", path: ["v1", "allocations"], query: only };
    return query(this.#api, parts, options, (answer) => Fields.list(answer.json()).map(readAllocationSummary));
  }

  read(id: string, options: QueryOptions = {}): Promise<Snapshot<Allocation | undefined>> {
    const parts = { operation: "read the allocation", subject: id, path: ["v1", "allocation", id] };
    return find(this.#api, parts, options, (answer) => readAllocation(Fields.of(answer.json())));
  }

  /** Stops it; Nomad places another. Resolves with the evaluation that does so. */
  stop(id: string, options: CallOptions = {}): Promise<string | undefined> {
    const path = ["v1", "allocation", id, "stop"];
    const parts = { operation: "stop the allocation", subject: id, method: "PUT", path } as const;
    return call(this.#api, parts, options, (answer) => idOf(Fields.of(answer.json()), "EvalID"));
  }

  /** Restarts a task, or all that run if none is named, where they are. */
  async restart(id: string, options: CallOptions & { task?: string } = {}): Promise<void> {
    const path = ["v1", "client", "allocation", id, "restart"];
    const json = options.task === undefined ? {} : { TaskName: options.task };
    const parts = { operation: "restart the allocation", subject: id, method: "PUT", path, json } as const;
    await call(this.#api, parts, options, () => undefined);
  }

  /** @param signal `SIGHUP`, … to a task, or to all that run if none is named */
  async signal(id: string, signal: string, options: CallOptions & { task?: string } = {}): Promise<void> {
    const path = ["v1", "client", "allocation", id, "signal"];
    const json = { Signal: signal, ...(options.task === undefined ? {} : { Task: options.task }) };
    const parts = { operation: `send ${signal} to the allocation`, subject: id, method: "PUT", path, json } as const;
    await call(this.#api, parts, options, () => undefined);
  }

  /** What it uses now. */
  stats(id: string, options: CallOptions = {}): Promise<AllocationStats> {
    const path = ["v1", "client", "allocation", id, "stats"];
    const parts = { operation: "measure the allocation", subject: id, method: "GET", path } as const;
    return call(this.#api, parts, options, (answer) => readStats(Fields.of(answer.json())));
  }
}

function readStats(fields: Fields): AllocationStats {
  const usage = fields.optionalObject("ResourceUsage");
  const memory = usage?.optionalObject("MemoryStats");
  const cpu = usage?.optionalObject("CpuStats");
  const amount = (of: Fields | undefined, name: string): number => (of?.has(name) === true ? of.amount(name) : 0);
  return {
    at: readTimestamp(fields, "Timestamp"),
    memory: amount(memory, "Usage"),
    residentMemory: amount(memory, "RSS"),
    cpu: amount(cpu, "Percent"),
  };
}
