import { formatBytes, formatSecond } from "./human.ts";

/**
 * A line of an app's access log for people: `2026-01-31 10:41:07  404  GET https://blog.example.com/x  151 B  1.1 ms  192.0.2.7`. What is
 * no such line stays as it is.
 *
 * @param line JSON
 */
export function describeAccess(line: string): string {
  const record = parse(line);
  if (record === undefined) return line;
  const { time, status, scheme, host, method, path, bytes, ms, remote, aborted, error } = record;
  if (typeof time !== "number" || typeof bytes !== "number" || typeof ms !== "number") return line;
  const request = `${String(method)} ${String(scheme)}://${String(host)}${String(path)}`;
  const parts = [formatSecond(time), status, request, formatBytes(bytes), `${ms.toFixed(1)} ms`, remote];
  const trouble = [...(aborted === true ? ["cut short"] : []), ...(error === undefined ? [] : [error])];
  return [...parts, ...trouble].map(String).join("  ");
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // cut off, or of an older version
  }
}
