import { createHash, timingSafeEqual } from "node:crypto";

/**
 * The secret of an `Authorization` header: the token of `Bearer` (RFC 6750), the password of `Basic` (RFC 7617) with
 * whatever user. Undefined if there is none that can be read.
 */
export function secretOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, scheme = "", value = ""] = /^([A-Za-z]+) +([\x21-\x7e]+) *$/.exec(header) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return value;
    case "basic": {
      const pair = Buffer.from(value, "base64").toString("utf8");
      const colon = pair.indexOf(":");
      return colon === -1 ? undefined : pair.slice(colon + 1);
    }
    default:
      return undefined;
  }
}

/** Whether two secrets are the same, in a time that says nothing of where they differ. An empty one matches nothing. */
export function sameSecret(given: string, expected: string): boolean {
  if (given === "" || expected === "") return false;
  return timingSafeEqual(digest(given), digest(expected));
}

/** Of equal length, whatever came. */
function digest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

/** `Basic …`, RFC 7617. */
export function basicAuthorization({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
