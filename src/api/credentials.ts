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
