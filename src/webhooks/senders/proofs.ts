import { createHmac, timingSafeEqual } from "node:crypto";
import { sameSecret, secretOf } from "../../shared/credentials.ts";
import { LEAST_KEY_BYTES, signingKeyOf } from "../signing-token.ts";
import type { Delivery } from "../types.ts";
import { field } from "./adapter.ts";

/** For senders that sign nothing: the secret is the last part of the path. */
export function verifyPath({ pathToken }: Delivery, secret: string): string | undefined {
  if (pathToken === null) return "the address has no token";
  return sameSecret(pathToken, secret) ? undefined : "the token in the address is not the right one";
}

/** The secret as the `Authorization` header: alone, as somebody typed it in, after `Bearer`, or as the password of `Basic`. */
export function verifyAuthorization({ headers }: Delivery, secret: string): string | undefined {
  const value = field(headers, "authorization");
  if (value === "") return "there is no Authorization header";
  const isRight = [sameSecret(value, secret), sameSecret(secretOf(value) ?? "", secret)].includes(true);
  return isRight ? undefined : "the Authorization header is not the right one";
}

/** HMAC-SHA256 of the body, in hexadecimal, in the named header after `prefix`. */
export function verifyHexSignature(
  { headers, body }: Delivery,
  secret: string,
  name: string,
  prefix: string,
): string | undefined {
  const value = field(headers, name);
  if (value === "") return `there is no signature: the ${name} header is missing or empty`;
  if (!value.startsWith(prefix) || !/^[0-9a-f]{64}$/.test(value.slice(prefix.length))) {
    return `the ${name} header is no signature`;
  }
  const given = Buffer.from(value.slice(prefix.length), "hex");
  const expected = createHmac("sha256", secret).update(body).digest();
  return timingSafeEqual(given, expected) ? undefined : "the signature is not the right one";
}

/** Milliseconds that the sender's clock and ours may differ. */
const TOLERANCE_MS = 5 * 60_000;
/** While a secret is replaced, a sender signs with both. */
const MOST_SIGNATURES = 8;

/** A signature of id, time and body by the Standard Webhooks specification. */
export function verifyStandard({ headers, body, now }: Delivery, secret: string): string | undefined {
  const [id, timestamp] = [field(headers, "webhook-id"), field(headers, "webhook-timestamp")];
  const signatures = field(headers, "webhook-signature");
  if (signatures === "") return "there is no signature: the webhook-signature header is missing or empty";
  if (id === "" || !/^\d{1,12}$/.test(timestamp)) return "the webhook-id or webhook-timestamp header is missing";
  const key = signingKeyOf(secret);
  if (key.length < LEAST_KEY_BYTES) return "the webhook's secret is no signing token";
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  const matches = signatures
    .split(" ", MOST_SIGNATURES)
    .map((signature) => sameSecret(signature, `v1,${expected}`))
    .includes(true);
  if (!matches) return "the signature is not the right one";
  if (Math.abs(now - Number(timestamp) * 1000) > TOLERANCE_MS) {
    return "it was signed more than five minutes before or after now: it is sent anew by somebody, or a clock is wrong";
  }
  return undefined;
}
