import type { OutgoingHttpHeaders } from "node:http";
import type { HttpConnection, RequestRecord } from "../site-server/index.ts";

/** Fields that are about one connection and must not be passed on (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What `Connection` cannot take away: without them the next server would see another request, or where a body ends elsewhere. */
const END_TO_END = new Set(["host", "content-length", "authorization"]);

/**
 * The fields of an answer that go on to the client, as lines.
 *
 * @param raw names and values, one after another
 * @param hasLength whether the answer may say how long it is: one of 204 must not (RFC 9110, section 8.6)
 */
export function endToEndFields(raw: readonly string[], hasLength: boolean): string {
  let lines = "";
  for (const [lower, name, value] of endToEnd(raw)) {
    if (hasLength || lower !== "content-length") lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/**
 * The fields of a request as they go on to a server on this machine. What the client said of itself in `X-Forwarded-*` is not believed: nothing
 * stands before the ingress.
 */
export function forwardedFields(request: RequestRecord, connection: HttpConnection): OutgoingHttpHeaders {
  const fields = new Map<string, string | string[]>(); // no object: a field may be called `constructor`
  for (const [lower, , value] of endToEnd(request.fields())) {
    if (lower === "forwarded" || lower.startsWith("x-forwarded-") || lower === "expect") continue;
    const before = fields.get(lower);
    fields.set(lower, before === undefined ? value : [before, value].flat());
  }
  const { host } = request;
  if (host !== "") fields.set("host", host);
  fields.set("x-forwarded-for", connection.remote);
  fields.set("x-forwarded-proto", connection.scheme);
  fields.set("x-forwarded-host", host);
  fields.set("connection", "close");
  if (request.isChunked) {
    fields.delete("content-length");
    fields.set("transfer-encoding", "chunked");
  }
  return Object.fromEntries(fields);
}

/** The fields that are no matter of one connection: the name in lower case, as it came, and the value. */
function* endToEnd(raw: readonly string[]): Generator<[lower: string, name: string, value: string]> {
  const named = namedByConnection(raw);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? "";
    const lower = name.toLowerCase();
    if (!HOP_BY_HOP.has(lower) && (END_TO_END.has(lower) || !named.has(lower))) yield [lower, name, raw[i + 1] ?? ""];
  }
}

function namedByConnection(raw: readonly string[]): Set<string> {
  const named = new Set<string>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== "connection") continue;
    for (const name of (raw[i + 1] ?? "").split(",")) named.add(name.trim().toLowerCase());
  }
  return named;
}
