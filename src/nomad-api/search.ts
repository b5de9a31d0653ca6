import type { HttpApi } from "../shared/http-api/http-api.ts";
import { Fields } from "../shared/json/fields.ts";
import { call, type CallOptions } from "./query.ts";

export type SearchContext = "jobs" | "evals" | "allocs" | "nodes" | "deployment" | "namespaces";

export interface SearchMatches {
  /** Ids, the first twenty. */
  ids: string[];
  /** Whether there are more. */
  isCut: boolean;
}

/** https://developer.hashicorp.com/nomad/api-docs/search */
export class Search {
  readonly #api: HttpApi;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  /** What begins with a text: the whole id of the short one that people see. */
  byPrefix(prefix: string, context: SearchContext, options: CallOptions = {}): Promise<SearchMatches> {
    const json = { Prefix: prefix, Context: context };
    const subject = `Nomad's ${context} for ${prefix}`;
    const parts = {
      operation: "search",
      subject,
      method: "POST",
      path: ["v1", "search"],
      json,
      repeatable: true,
    } as const;
    return call(this.#api, parts, options, (answer) => {
      const fields = Fields.of(answer.json());
      return {
        ids: fields.optionalObject("Matches")?.texts(context) ?? [],
        isCut: fields.optionalObject("Truncations")?.flag(context) ?? false,
      };
    });
  }
}
