/** What a secret begins with whose rest, base64, is the key of signatures by https://www.standardwebhooks.com */
export const STANDARD_PREFIX = "whsec_";

/** The specification's bounds: from 24 to 64 bytes. */
export const LEAST_KEY_BYTES = 24;

/** The key of a signing token. */
export function signingKeyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(STANDARD_PREFIX.length), "base64");
}
