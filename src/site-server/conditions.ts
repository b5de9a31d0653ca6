type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** The validators of the form that would be sent. */
export interface Validators {
  /** With its quotes. */
  etag: string;
  /** As it is sent in `Last-Modified`; "" when none is sent. */
  lastModified: string;
}

/**
 * Whether the client has the file already (RFC 9110, section 13.2.2): `If-None-Match` decides alone when it is there.
 *
 * `If-Modified-Since` must be the very date that was sent. "Not newer" would be wrong here: after a rollback the file
 * that serves is older than the one the client has, and still another.
 */
export function isUnmodified(headers: Headers, validators: Validators): boolean {
  const ifNoneMatch = single(headers["if-none-match"]);
  if (ifNoneMatch !== undefined) return matchesWeakly(ifNoneMatch, validators.etag);
  const ifModifiedSince = single(headers["if-modified-since"]);
  return ifModifiedSince !== undefined && isDate(ifModifiedSince, validators.lastModified);
}

/** Whether a range may be sent: there is no `If-Range`, or it names exactly this form (RFC 9110, section 13.1.5). */
export function rangeApplies(headers: Headers, validators: Validators): boolean {
  const ifRange = single(headers["if-range"])?.trim();
  if (ifRange === undefined) return true;
  return ifRange.startsWith('"') ? ifRange === validators.etag : isDate(ifRange, validators.lastModified);
}

function isDate(header: string, lastModified: string): boolean {
  return lastModified !== "" && header.trim() === lastModified;
}

/** Weak comparison against a list of entity tags, or `*`. Tags may hold commas, so the list is not split at them. */
function matchesWeakly(list: string, etag: string): boolean {
  if (list.trim() === "*") return true;
  for (const match of list.matchAll(/(?:W\/)?("[^"]*")/g)) {
    if (match[1] === etag) return true;
  }
  return false;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(", ") : value;
}
