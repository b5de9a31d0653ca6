import type { Snapshot } from "../shared/blocking/watch.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { query, type QueryOptions } from "./query.ts";

export interface Namespace {
  name: string;
  description: string;
}

/** https://developer.hashicorp.com/nomad/api-docs/namespaces */
export class Namespaces {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** Those that the token may see. The only way to know of one that it is there: lists of one that is not are empty, not an error. */
  list(options: QueryOptions = {}): Promise<Snapshot<Namespace[]>> {
    const parts = { operation: "list", subject: "Nomad's namespaces", path: ["v1", "namespaces"] };
    return query(this.#api, parts, options, (answer) => Fields.list(answer.json()).map(readNamespace));
  }
}

function readNamespace(fields: Fields): Namespace {
  return { name: fields.text("Name"), description: fields.optionalText("Description") ?? "" };
}
