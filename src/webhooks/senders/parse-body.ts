import type * as z from "zod";
import type { Delivery } from "../types.ts";
import { field, Malformed } from "./adapter.ts";

/**
 * The JSON of a delivery. GitHub and Gitea can also send it as the field `payload` of a form; GitHub does unless told otherwise.
 * Throws Malformed.
 */
export function parseBody({ headers, body }: Delivery): unknown {
  const encoding = field(headers, "content-encoding") || "identity";
  if (encoding.toLowerCase() !== "identity") throw new Malformed("the body is compressed");
  let text = decode(body);
  if (mediaType(field(headers, "content-type")) === "application/x-www-form-urlencoded") {
    const payload = new URLSearchParams(text).get("payload");
    if (payload === null) throw new Malformed("the body is a form without the field payload");
    text = payload;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Malformed(text.trim() === "" ? "the body is empty" : "the body is no JSON"); // the parser's message quotes the body
  }
}

/** The value as the schema has it: fields that it does not name are left out. Throws Malformed naming the first problem. */
export function parseAs<Schema extends z.ZodType>(schema: Schema, json: unknown): z.output<Schema> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".") ?? "";
  throw new Malformed(`${path === "" ? "the body" : path}: ${issue?.message ?? "is wrong"}`);
}

export function mediaType(contentType: string): string {
  return contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new Malformed("the body is not UTF-8");
  }
}
