import type { Delivery, HeaderFields, Hint } from "../types.ts";

/** What is particular to a sender. Pure: the same delivery and secret give the same result. */
export interface SenderAdapter {
  /**
   * What proves that the sender sent it: the last part of the `path`, since it signs nothing; a `header`, which can be checked
   * before the body is read; or a signature of the `body`.
   */
  readonly proof: "path" | "header" | "body";
  /**
   * Whether a proven delivery that cannot be understood is answered with 2xx all the same: its sender would send it again for
   * ever, and nothing of what comes after it.
   */
  isStubborn(headers: HeaderFields): boolean;
  /** Undefined if the secret, which is not empty, proves the delivery; else why not, in one line that tells no secret. */
  verify(delivery: Delivery, secret: string): string | undefined;
  /**
   * What a body says, parsed as JSON. Throws Malformed.
   *
   * @param headers untrusted even if the delivery is proven: signatures are of the body only
   */
  read(json: unknown, headers: HeaderFields): Reading;
}

/** What a body says; `nothing` is why there is nothing to do, in one line. */
export type Reading = { hints: readonly Hint[] } | { nothing: string };

/** Of an event that brings no hints. */
export function otherEvent(name: string): Reading {
  return { nothing: name === "" ? "the event is not named" : `the event is ${name}` };
}

/** A delivery that is not what its sender should send. The message is one line for people. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/** The value of a header field; empty if there is none. */
export function field(headers: HeaderFields, name: string): string {
  const value = headers[name];
  return typeof value === "string" ? value.trim() : "";
}
