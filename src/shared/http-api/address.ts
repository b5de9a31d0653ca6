import { SteppeError } from "../errors.ts";
import type { ApiCall } from "./api-call.ts";
import { goDuration } from "./go-duration.ts";

type Query = Readonly<Record<string, string | true | undefined>>;

/**
 * The address of a call. A part of the path that would lead elsewhere, since those who read addresses take it away (`.`, `..`, nothing at all between two
 * slashes), is refused: USAGE.
 */
export function callAddress(base: URL, call: ApiCall, common: Query): URL {
  for (const part of call.path) checkPart(call, part);
  const url = new URL(base);
  const parts = call.path.map(encodeURIComponent);
  url.pathname = `${base.pathname.replace(/\/+$/, "")}/${parts.join("/")}${call.trailingSlash === true ? "/" : ""}`;
  url.search = queryString({ ...common, ...blockingQuery(call), ...call.query });
  return url;
}

function checkPart({ operation, subject }: ApiCall, part: string): void {
  if (!["", ".", ".."].includes(part) && part.isWellFormed()) return;
  const cause = `${JSON.stringify(part)} cannot be a part of an address`;
  throw new SteppeError("USAGE", { operation, subject, cause, hint: "Use another name." });
}

function blockingQuery({ blocking }: ApiCall): Query {
  if (blocking === undefined || blocking.index < 1n) return {};
  return { index: String(blocking.index), wait: goDuration(blocking.waitMs) };
}

function queryString(query: Query): string {
  return Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => (value === true ? name : `${name}=${encodeURIComponent(value ?? "")}`))
    .join("&");
}
