import type { Parsed } from "./parsed.ts";

/** When deployments may go live by themselves: on these days from one time to another, as clocks in a time zone show it. */
export interface Window {
  /** Days of the week on which it begins: 0 is Monday. */
  days: ReadonlySet<number>;
  /** Minutes since midnight. */
  from: number;
  /** Minutes since midnight, at most 1,440; at or before `from` it is of the next day. */
  to: number;
  /** A name of the IANA time zone database. */
  zone: string;
}

const dayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const FORM = "write `Mon-Fri 09:00-17:00 Europe/London`";

/** How a window is written, for JSON Schema. */
export const WINDOW_PATTERN = "^ *[A-Za-z,-]+ +[0-9:]+-[0-9:]+ +[A-Za-z0-9_+/-]+ *$";

/**
 * Reads a window: `Mon-Fri 09:00-17:00 Europe/London`, `Sat,Sun 22:00-02:00 UTC` (which ends on the next day) or `daily 00:00-24:00 UTC`.
 * The days are those on which it begins. The time zone is always named, so that it means the same on every server.
 */
export function parseWindow(text: string): Parsed<Window> {
  if (text.length > 200) return { problem: `is longer than 200 characters; ${FORM}` };
  const [days, times, zone, ...more] = text.trim().split(/\s+/);
  if (days === undefined || times === undefined || more.length > 0) return { problem: `is no window; ${FORM}` };
  const set = parseDays(days);
  if ("problem" in set) return set;
  const range = parseTimes(times);
  if ("problem" in range) return range;
  if (zone === undefined) return { problem: "names no time zone; write it last, such as `Europe/London` or `UTC`" };
  const known = parseZone(zone);
  if ("problem" in known) return known;
  return { value: { days: set.value, ...range.value, zone: known.value } };
}

/** As `parseWindow` reads it: days in their order, runs of three and more with a hyphen. */
export function formatWindow({ days, from, to, zone }: Window): string {
  return `${formatDays(days)} ${formatTime(from)}-${formatTime(to)} ${zone}`;
}

function parseDays(text: string): Parsed<Set<number>> {
  if (/^daily$/i.test(text)) return { value: new Set(dayNames.keys()) };
  const days = new Set<number>();
  for (const part of text.split(",")) {
    const [first = -1, last = first, ...more] = part.split("-").map(dayNumber);
    if (first < 0 || last < 0 || more.length > 0) {
      const known = `${dayNames.join(", ")}, a run of them (\`Mon-Fri\`) or \`daily\``;
      return { problem: `has the day \`${part.slice(0, 20)}\`, which is none; write ${known}` };
    }
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === last) break;
    }
  }
  return { value: days };
}

function dayNumber(name: string): number {
  return dayNames.findIndex((day) => day.toLowerCase() === name.toLowerCase());
}

function parseTimes(text: string): Parsed<{ from: number; to: number }> {
  const [, from, to] = /^([0-9]{1,2}:[0-9]{2})-([0-9]{1,2}:[0-9]{2})$/.exec(text) ?? [];
  const [first, last] = [parseTime(from), parseTime(to)];
  if (first === undefined || last === undefined || first === 1440) {
    return { problem: `has the times \`${text.slice(0, 30)}\`, which are none; write \`09:00-17:00\`` };
  }
  if (first === last) return { problem: "ends when it begins; a whole day is `00:00-24:00`" };
  // 22:00-00:00 is 22:00-24:00.
  return { value: { from: first, to: last === 0 ? 1440 : last } };
}

function parseTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [hours = 0, minutes = 0] = text.split(":").map(Number);
  const time = hours * 60 + minutes;
  return minutes > 59 || time > 1440 ? undefined : time;
}

function parseZone(text: string): Parsed<string> {
  const unknown = {
    problem: `has the time zone \`${text.slice(0, 60)}\`, which is not known; write one such as \`Europe/London\``,
  };
  // An offset such as +01:00 is none that knows summer time.
  if (!/^[A-Za-z]/.test(text)) return unknown;
  try {
    Intl.DateTimeFormat("en", { timeZone: text });
    // As it is written: Intl's own name for `Asia/Kolkata` is an older one.
    return { value: text };
  } catch (error) {
    if (error instanceof RangeError) return unknown;
    throw error;
  }
}

function formatDays(days: ReadonlySet<number>): string {
  if (days.size === 7) return "daily";
  const parts: string[] = [];
  for (let day = 0; day < 7; day++) {
    if (!days.has(day)) continue;
    let last = day;
    while (days.has(last + 1)) last++;
    const names = dayNames.slice(day, last + 1);
    if (names.length > 2) parts.push(`${names[0]}-${names.at(-1)}`);
    else parts.push(...names);
    day = last;
  }
  return parts.join(",");
}

function formatTime(minutes: number): string {
  const hours = String(Math.floor(minutes / 60)).padStart(2, "0");
  return `${hours}:${String(minutes % 60).padStart(2, "0")}`;
}
