/** A part of a file: from `start`, `size` bytes. */
export interface ByteRange {
  start: number;
  size: number;
}

/**
 * Reads a `Range` header for a representation of `size` bytes (RFC 9110, section 14).
 *
 * @returns the range; "whole" when the header asks for several ranges, for another unit, or cannot be read, all of which
 *   a server may ignore; "unsatisfiable" when the file has no such bytes
 */
export function parseRange(header: string, size: number): ByteRange | "whole" | "unsatisfiable" {
  const match = /^bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(header);
  if (match === null) return "whole";
  const [, first = "", last = ""] = match;
  if (first === "") return last === "" ? "whole" : suffix(Number(last), size);
  const start = Number(first);
  const end = last === "" ? Infinity : Number(last);
  if (end < start) return "whole";
  if (start >= size) return "unsatisfiable";
  return { start, size: Math.min(end, size - 1) - start + 1 };
}

function suffix(length: number, size: number): ByteRange | "unsatisfiable" {
  if (length === 0 || size === 0) return "unsatisfiable";
  const kept = Math.min(length, size);
  return { start: size - kept, size: kept };
}
