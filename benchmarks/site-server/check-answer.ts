import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { type Answer, ask } from "./ask.ts";
import type { Case } from "./cases.ts";
import type { Content } from "./content.ts";

const decoders: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
};

export interface Checked {
  /** All that is to be sent with each request of the case. */
  headers: Record<string, string>;
  /** How the body came: `br`, …, or `identity`. */
  encoding: string;
  /** Bytes of a whole answer's body. */
  bytes: number;
}

/**
 * Asks as the case does and sees to it that the answer is right, before it is measured. Returns undefined if the server cannot do what
 * the case is about (it gives no validator); throws if its answer is wrong.
 */
export async function checkAnswer(base: string, wanted: Case, content: Content): Promise<Checked | undefined> {
  const headers = { ...wanted.headers };
  if (wanted.revalidates) {
    const { headers: got } = await ask(base + wanted.path);
    if (got.etag !== undefined) headers["If-None-Match"] = got.etag;
    else if (got["last-modified"] !== undefined) headers["If-Modified-Since"] = got["last-modified"];
    else return undefined;
  }
  const answer = await ask(base + wanted.path, headers);
  const wrong = complaint(answer, wanted, content);
  if (wrong !== undefined) throw new Error(`GET ${wanted.path} (${wanted.name}): ${wrong}`);
  return { headers, encoding: answer.headers["content-encoding"] ?? "identity", bytes: answer.body.length };
}

function complaint({ status, headers, body }: Answer, wanted: Case, content: Content): string | undefined {
  if (status !== wanted.status) return `the status is ${status} and not ${wanted.status}`;
  if (wanted.file === null) return body.length === 0 ? undefined : `a ${status} has a body of ${body.length} bytes`;
  const { "content-encoding": encoding, "content-length": length, "content-type": type = "", vary = "" } = headers;
  if (encoding !== undefined && wanted.compressed !== true) return `it is encoded as ${encoding}, unasked`;
  if (encoding !== undefined && !/accept-encoding/i.test(vary)) return "it is encoded, and Vary does not say so";
  if (length !== undefined && Number(length) !== body.length) return `${body.length} bytes came of ${length}`;
  const isHtml = wanted.file.endsWith(".html");
  if (isHtml && !type.startsWith("text/html")) return `the type is ${type || "not said"}`;
  const decode = encoding === undefined ? (bytes: Buffer): Buffer => bytes : decoders[encoding];
  if (decode === undefined) return `it is encoded as ${encoding}`;
  return decode(body).equals(content.get(wanted.file) ?? Buffer.alloc(0)) ? undefined : "the body is another";
}
