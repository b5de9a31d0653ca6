import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseJson } from "../../src/shared/json/parse-json.ts";
import { writeJson } from "../../src/shared/json/write-json.ts";

/** A real exchange, see `test/recordings/README.md`. */
export interface Recording {
  /** Its file, without `.json`. */
  file: string;
  request: {
    method: string;
    /** The path, with its query. */
    target: string;
    /** As it was sent; a body that was JSON is written anew. */
    body: string;
  };
  response: {
    status: number;
    headers: Readonly<Record<string, string>>;
    /** A body that is JSON, read by `parseJson`; null if there is none. */
    body: unknown;
    /** The same, written. */
    bodyJson: string;
    /** Any other body. */
    bodyText?: string;
    /** The lines of a stream. */
    stream?: readonly string[];
  };
}

interface RecordingFile {
  request: { method: string; path: string; body?: unknown; bodyText?: string };
  response: {
    status: number;
    headers: Record<string, string>;
    body?: unknown;
    bodyText?: string;
    stream?: Array<{ line: unknown }>;
  };
}

const folder = fileURLToPath(new URL("../recordings", import.meta.url));

/** One of the recordings: `recording("consul", "24-kv-get-image-tag")`. */
export function recording(system: "consul" | "fabio" | "nomad", file: string): Recording {
  const { request, response } = parseJson(readFileSync(`${folder}/${system}/${file}.json`, "utf8")) as RecordingFile;
  const { status, headers, body = null, bodyText, stream } = response;
  return {
    file,
    request: {
      method: request.method,
      target: request.path,
      body: request.bodyText ?? ((request.body ?? null) === null ? "" : writeJson(request.body)),
    },
    response: {
      status,
      headers,
      body,
      bodyJson: writeJson(body),
      ...(bodyText === undefined ? {} : { bodyText }),
      ...(stream === undefined ? {} : { stream: stream.map(({ line }) => writeJson(line)) }),
    },
  };
}
