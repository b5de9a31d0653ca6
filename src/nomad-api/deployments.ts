import type { Snapshot } from "../shared/blocking/watch.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { type AllocationSummary, readAllocationSummary } from "./allocation.ts";
import { type Deployment, newestFirst, readDeployment } from "./deployment.ts";
import { idOf } from "./evaluation.ts";
import { call, type CallOptions, find, query, type QueryOptions } from "./query.ts";

/** What came of a change to a deployment. */
export interface DeploymentChange {
  /** The evaluation that carries it out; undefined if none is needed. */
  evaluationId: string | undefined;
  deploymentModifyIndex: bigint;
  /** The version that Nomad goes back to, as a new version. */
  revertedJobVersion: number | undefined;
}

/**
 * https://developer.hashicorp.com/nomad/api-docs/deployments. Ids are whole: Nomad refuses short ones. Changes throw NOMAD_NOT_FOUND, and NOMAD_DEPLOYMENT_OVER of a
 * deployment that has come to its end.
 */
export class Deployments {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** Those of all jobs, the newest first: one query that tells of every app. */
  list(options: QueryOptions = {}): Promise<Snapshot<Deployment[]>> {
    const parts = { operation: "list", subject: "Nomad's deployments", path: ["v1", "deployments"] };
    return query(this.#api, parts, options, (answer) => newestFirst(Fields.list(answer.json()).map(readDeployment)));
  }

  read(id: string, options: QueryOptions = {}): Promise<Snapshot<Deployment | undefined>> {
    const parts = { operation: "read the deployment", subject: id, path: ["v1", "deployment", id] };
    return find(this.#api, parts, options, (answer) => readDeployment(Fields.of(answer.json())));
  }

  allocations(id: string, options: QueryOptions = {}): Promise<Snapshot<AllocationSummary[]>> {
    const path = ["v1", "deployment", "allocations", id];
    const parts = { operation: "list the allocations of the deployment", subject: id, path };
    return query(this.#api, parts, options, (answer) => Fields.list(answer.json()).map(readAllocationSummary));
  }

  /**
   * Puts the canaries in the place of what runs. Throws NOMAD_DEPLOYMENT_UNREADY while they are not healthy.
   *
   * @param options.groups only those of these groups; all if not given
   */
  promote(id: string, options: CallOptions & { groups?: readonly string[] } = {}): Promise<DeploymentChange> {
    const which = options.groups === undefined ? { All: true } : { Groups: options.groups };
    return this.#change("promote", id, which, options);
  }

  /** Ends it as failed: if its groups are to revert, Nomad registers the version before as a new one. */
  fail(id: string, options: CallOptions = {}): Promise<DeploymentChange> {
    return this.#change("fail", id, {}, options);
  }

  /** Holds it up, or lets it go on. */
  pause(id: string, isPaused: boolean, options: CallOptions = {}): Promise<DeploymentChange> {
    return this.#change("pause", id, { Pause: isPaused }, options);
  }

  #change(verb: string, id: string, body: object, options: CallOptions): Promise<DeploymentChange> {
    const json = { DeploymentID: id, ...body };
    const path = ["v1", "deployment", verb, id];
    const parts = { operation: `${verb} the deployment`, subject: id, method: "POST", path, json } as const;
    return call(this.#api, parts, options, (answer) => readChange(Fields.of(answer.json())));
  }
}

function readChange(fields: Fields): DeploymentChange {
  return {
    evaluationId: idOf(fields, "EvalID"),
    deploymentModifyIndex: fields.index("DeploymentModifyIndex"),
    revertedJobVersion: fields.optionalCount("RevertedJobVersion"),
  };
}
