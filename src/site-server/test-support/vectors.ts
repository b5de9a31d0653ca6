import { readFileSync } from "node:fs";
import type { DescribedBody, DescribedSite } from "./write-site.ts";
import { bytesOf } from "./write-site.ts";

/** A request and its answer, as src/site-server/vectors/*.json have them: every host of the core must give it. */
export interface Vector {
  name: string;
  /** Bytes as latin1. `$ETAG` and `$MODIFIED` are those fields of the answer to `before`. */
  request: string;
  before?: string;
  status: number;
  /** Fields that the answer has, with their values; null: with any value. */
  fields?: Readonly<Record<string, string | null>>;
  /** Fields that it does not have. */
  absent?: readonly string[];
  /** The whole body: text, or a part of a file of the site, or something that it contains. Left out: not looked at. */
  body?: VectorBody;
  /** It is about `_headers` or `_redirects`. */
  rules?: boolean;
  /** Whether the server ends the connection after the answer. Default false. */
  closes?: boolean;
}

export type VectorBody =
  | { text: string }
  | { contains: string }
  | { file: string; form?: "br" | "zstd" | "gzip"; from?: number; bytes?: number };

/** An answer as it comes over the wire, taken apart. */
export interface WireAnswer {
  status: number;
  /** In order, names as they came. */
  fields: [string, string][];
  body: Buffer;
  /** What came behind it. */
  rest: Buffer;
}

const folder = new URL("../vectors/", import.meta.url);

/** The site that the vectors are about. */
export function vectorSite(): DescribedSite {
  return JSON.parse(readFileSync(new URL("site.json", folder), "utf8")) as DescribedSite;
}

/** All vectors. */
export function vectors(): Vector[] {
  return JSON.parse(readFileSync(new URL("requests.json", folder), "utf8")) as Vector[];
}

/**
 * Takes the first answer of a connection apart.
 *
 * @param bytes what came
 * @param bodiless whether the request was a HEAD
 * @throws if what came is no whole, well-formed answer
 */
export function readWireAnswer(bytes: Buffer, bodiless: boolean): WireAnswer {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) throw new Error(`no whole head: ${bytes.toString("latin1")}`);
  const [line = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) [ -~]+$/.exec(line)?.[1]);
  if (Number.isNaN(status)) throw new Error(`no status line: ${line}`);
  const fields = lines.map((text): [string, string] => {
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([ -~\x80-\xff]*)$/.exec(text);
    if (match === null) throw new Error(`no field: ${JSON.stringify(text)}`);
    return [match[1] ?? "", match[2] ?? ""];
  });
  const lengths = fields.filter(([name]) => name.toLowerCase() === "content-length");
  if (lengths.length > 1) throw new Error("more than one Content-Length");
  const length = bodiless || status === 304 || status === 204 ? 0 : Number(lengths[0]?.[1]);
  const body = bytes.subarray(end + 4, end + 4 + length);
  if (body.length !== length) throw new Error(`${body.length} bytes of a body of ${lengths[0]?.[1]}`);
  return { status, fields, body, rest: bytes.subarray(end + 4 + length) };
}

/** The value of a field of an answer; undefined if it has none. */
export function fieldOf(answer: WireAnswer, name: string): string | undefined {
  return answer.fields.find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1];
}

/** The request of a vector, once the answer to what goes before is known. */
export function requestOf(vector: Vector, before: WireAnswer | undefined): string {
  const { request } = vector;
  if (before === undefined) return request;
  return request
    .replaceAll("$ETAG", fieldOf(before, "ETag") ?? "")
    .replaceAll("$MODIFIED", fieldOf(before, "Last-Modified") ?? "");
}

/** What is wrong with an answer to a vector: one line each, none if it is right. */
export function judge(vector: Vector, answer: WireAnswer, site: DescribedSite): string[] {
  const wrong: string[] = [];
  if (answer.status !== vector.status) wrong.push(`status ${answer.status}, not ${vector.status}`);
  for (const [name, value] of Object.entries(vector.fields ?? {})) {
    const found = fieldOf(answer, name);
    if (found === undefined || (value !== null && found !== value))
      wrong.push(`${name}: ${found}, not ${value ?? "any"}`);
  }
  for (const name of vector.absent ?? []) {
    if (fieldOf(answer, name) !== undefined) wrong.push(`${name}: ${fieldOf(answer, name)}, not absent`);
  }
  const closes = fieldOf(answer, "Connection") === "close";
  if (closes !== (vector.closes ?? false)) wrong.push(closes ? "it closes the connection" : "it keeps the connection");
  if (vector.body !== undefined) wrong.push(...judgeBody(vector.body, answer.body, site));
  return wrong;
}

function judgeBody(wanted: VectorBody, body: Buffer, site: DescribedSite): string[] {
  if ("contains" in wanted) return body.includes(wanted.contains) ? [] : [`the body has no ${wanted.contains}`];
  const expected = "text" in wanted ? Buffer.from(wanted.text) : partOf(wanted, site);
  return body.equals(expected)
    ? []
    : [`the body has ${body.length} bytes, not those ${expected.length} that it should`];
}

function partOf(wanted: Extract<VectorBody, { file: string }>, site: DescribedSite): Buffer {
  const file = site.files.find(({ path }) => path === wanted.file);
  const body: DescribedBody | undefined = wanted.form === undefined ? file?.body : file?.forms?.[wanted.form];
  if (body === undefined) throw new Error(`the site has no ${wanted.file}`);
  const from = wanted.from ?? 0;
  const bytes = bytesOf(body);
  return bytes.subarray(from, from + (wanted.bytes ?? bytes.length));
}
