/** An address as it was written, for a message: without what may be a user and a password, and without a query. Need not be an address. */
export function withoutSecrets(text: string): string {
  return text.replace(/^((?:[a-z][a-z0-9+.-]*:\/\/)?).*@/is, "$1…@").replace(/\?.*$/s, "?…");
}
