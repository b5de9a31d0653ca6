import type { Snapshot } from "../shared/blocking/watch.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { type AllocationSummary, readAllocationSummary } from "./allocation.ts";
import { type Evaluation, readEvaluation } from "./evaluation.ts";
import { find, query, type QueryOptions } from "./query.ts";

/** https://developer.hashicorp.com/nomad/api-docs/evaluations */
export class Evaluations {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** Those of all jobs: one query that tells of every app. */
  list(options: QueryOptions = {}): Promise<Snapshot<Evaluation[]>> {
    const parts = { operation: "list", subject: "Nomad's evaluations", path: ["v1", "evaluations"] };
    return query(this.#api, parts, options, (answer) => Fields.list(answer.json()).map(readEvaluation));
  }

  read(id: string, options: QueryOptions = {}): Promise<Snapshot<Evaluation | undefined>> {
    const parts = { operation: "read the evaluation", subject: id, path: ["v1", "evaluation", id] };
    return find(this.#api, parts, options, (answer) => readEvaluation(Fields.of(answer.json())));
  }

  /** The allocations that it made or changed. */
  allocations(id: string, options: QueryOptions = {}): Promise<Snapshot<AllocationSummary[]>> {
    const path = ["v1", "evaluation", id, "allocations"];
    const parts = { operation: "list the allocations of the evaluation", subject: id, path };
    return query(this.#api, parts, options, (answer) => Fields.list(answer.json()).map(readAllocationSummary));
  }
}
