import type { IncomingHttpHeaders } from "node:http";
import { parseJson } from "../json/parse-json.ts";

/** A whole answer, of a status that was expected. */
export class ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly content: Buffer;

  constructor(status: number, headers: IncomingHttpHeaders, content: Buffer) {
    this.status = status;
    this.headers = headers;
    this.content = content;
  }

  /** A field that came once. */
  field(name: string): string | undefined {
    const value = this.headers[name.toLowerCase()];
    return typeof value === "string" ? value : undefined;
  }

  text(): string {
    return this.content.toString("utf8");
  }

  /** The body read by `parseJson`; throws SyntaxError. */
  json(): unknown {
    return parseJson(this.text());
  }
}
