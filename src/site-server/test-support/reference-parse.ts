import { FIELD_LIMIT, HEAD_LIMIT, TARGET_LIMIT } from "../core/layout.ts";

/** What a head says, as read by the plainest reading of RFC 9112 that we could write: what the core is compared with. */
export interface ReferenceHead {
  /** Bytes of the head, the empty line included. */
  length: number;
  method: string;
  target: string;
  minor: number;
  host: string | undefined;
  fields: [string, string][];
  keepAlive: boolean;
  chunked: boolean;
  contentLength: number | undefined;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const HOST = /^(?:(?:\[[0-9A-Fa-f:.]+\]|(?:[-._~!$&'()*+,;=0-9A-Za-z]|%[0-9A-Fa-f]{2})+)(?::\d{0,5})?)?$/;

/**
 * Reads a whole head.
 *
 * @param text latin1
 * @returns the head, the status that it is refused with, or 0 if it does not end
 */
export function referenceParse(text: string): ReferenceHead | number {
  const start = text.startsWith("\r\n") ? 2 : 0;
  const end = text.startsWith("\r\n", start) ? -1 : text.indexOf("\r\n\r\n", start);
  if (end === -1) return 0;
  const [requestLine = "", ...lines] = text.slice(start, end).split("\r\n");
  if (end + 4 > HEAD_LIMIT) return 431;
  const parts = readRequestLine(requestLine);
  if (typeof parts === "number") return parts;
  const { method, target, minor, authority } = parts;
  const fields: [string, string][] = [];
  const values = (name: string): string[] => fields.filter(([n]) => n.toLowerCase() === name).map(([, v]) => v);
  for (const line of lines) {
    if (fields.length === FIELD_LIMIT) return 431;
    const match = /^([^:]*):[\t ]*(.*?)[\t ]*$/s.exec(line);
    const [, name = "", value = ""] = match ?? [];
    if (!TOKEN.test(name) || /[\0-\x08\x0a-\x1f\x7f]/.test(value)) return 400;
    fields.push([name, value]);
    const refused = checkField(name.toLowerCase(), value, values, minor);
    if (refused !== 0) return refused;
  }
  const host = values("host")[0];
  if (minor > 0 && host === undefined) return 400;
  const options = values("connection").flatMap((v) => v.split(",").map((o) => o.trim().toLowerCase()));
  const length = values("content-length")[0];
  return {
    length: end + 4,
    method,
    target,
    minor,
    host: authority ?? host,
    fields,
    keepAlive: (minor > 0 || options.includes("keep-alive")) && !options.includes("close"),
    chunked: values("transfer-encoding").length > 0,
    contentLength: length === undefined ? undefined : Number(length),
  };
}

interface RequestLine {
  method: string;
  target: string;
  minor: number;
  authority: string | undefined;
}

function readRequestLine(line: string): RequestLine | number {
  const [method = "", target = "", version = "", ...more] = line.split(" ");
  if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{33}/.test(line)) return 501;
  if (!TOKEN.test(method)) return 400;
  if (/^[!-~]*/.exec(target)?.[0] !== target || target === "") return target.length > TARGET_LIMIT ? 414 : 400;
  if (target.length > TARGET_LIMIT) return 414;
  const match = /^HTTP\/(\d)/.exec(version);
  if (match === null) return 400;
  if (match[1] !== "1") return 505;
  const minor = /^HTTP\/1\.(\d)$/.exec(version)?.[1];
  if (minor === undefined || more.length > 0) return 400;
  if (method === "CONNECT") return 501;
  if (target.startsWith("/") || (target === "*" && method === "OPTIONS")) {
    return { method, target, minor: Number(minor), authority: undefined };
  }
  const [, authority = "", rest = ""] = /^https?:\/\/([^/?#]+)(.*)$/i.exec(target) ?? [];
  if (authority === "" || !HOST.test(authority)) return 400;
  return { method, target: rest.startsWith("/") ? rest : `/${rest}`, minor: Number(minor), authority };
}

/** @returns the status that the head is refused with for the field that came last, or 0 */
function checkField(name: string, value: string, values: (name: string) => string[], minor: number): number {
  const framed = values("content-length").length + values("transfer-encoding").length;
  switch (name) {
    case "host":
      return values("host").length > 1 || !HOST.test(value) ? 400 : 0;
    case "content-length":
      if (framed > 1 || !/^\d+$/.test(value)) return 400;
      return Number(value) >= 2 ** 53 ? 413 : 0;
    case "transfer-encoding":
      if (framed > 1 || minor === 0) return 400;
      return value.toLowerCase() === "chunked" ? 0 : 501;
    case "expect":
      return minor > 0 && value.toLowerCase() !== "100-continue" ? 417 : 0;
    default:
      return 0;
  }
}
