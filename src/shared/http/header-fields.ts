/**
 * `Retry-After` in milliseconds from now, from seconds or a date (RFC 9110, 10.2.3); undefined if it says nothing that can be read.
 *
 * @param now milliseconds since 1970
 */
export function parseRetryAfter(field: string | undefined, now: number): number | undefined {
  if (field === undefined) return undefined;
  const text = field.trim();
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000;
  const date = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** A field that holds a count of bytes; undefined if it is not there or no such number. */
export function parseLength(field: string | string[] | undefined): number | undefined {
  return typeof field === "string" && /^\d{1,15}$/.test(field) ? Number(field) : undefined;
}
