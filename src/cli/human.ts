import { grouped } from "../shared/grouped.ts";

/** `850 ms`, `3.1 s`, `2 min 5 s`. */
export function formatElapsed(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** How long ago something was: `just now`, `5 min ago`, `3 h ago`, `2 days ago`, and the date when that is weeks. */
export function formatAge(at: number, now: number): string {
  const seconds = Math.floor((now - at) / 1000);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86_400);
  if (days <= 14) return days === 1 ? "1 day ago" : `${days} days ago`;
  return new Date(at).toISOString().slice(0, 10);
}

/** A time of day, `10:41`, or of another day than today `2026-01-31 10:41`; local time. */
export function formatMoment(at: number, now: number): string {
  const [day, time] = localMoment(at);
  return day === localMoment(now)[0] ? time : `${day} ${time}`;
}

/** A moment to the second, `2026-01-31 10:41:07`; local time. */
export function formatSecond(at: number): string {
  return `${localMoment(at).join(" ")}:${two(new Date(at).getSeconds())}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function localMoment(at: number): [day: string, time: string] {
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return [day, `${two(date.getHours())}:${two(date.getMinutes())}`];
}

/** `512 B`, `1.5 KiB`, `20 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** `1 app`, `3 apps`. */
export function count(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** The first twelve characters of a digest or a commit. */
export function short(hash: string): string {
  return hash.replace(/^sha256:/, "").slice(0, 12);
}
