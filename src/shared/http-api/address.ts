import { SteppeError } from "../errors.ts";
import type { ApiCall, ApiQuery } from "./api-call.ts";
import { goDuration } from "./go-duration.ts";

/**
 * The address of a call. A part of the path that would lead elsewhere, since those who read addresses take it away (`.`, `..`, nothing at all between two
 * slashes), is refused: USAGE.
 */
export function callAddress(base: URL, call: ApiCall, common: ApiQuery): URL {
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

function blockingQuery({ blocking }: ApiCall): ApiQuery {
  if (blocking === undefined || blocking.index < 1n) return {};
  return { index: String(blocking.index), wait: goDuration(blocking.waitMs) };
}

function queryString(query: ApiQuery): string {
  const values = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => ({ name, one })));
  return values
    .filter(({ one }) => one !== undefined)
    .map(({ name, one }) => (one === true ? name : `${name}=${encodeURIComponent(one ?? "")}`))
    .join("&");
}
