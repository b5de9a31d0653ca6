import type { Window } from "../../config/index.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/**
 * How far ahead is looked. Every window opens once a week, but for one that lies wholly in the hour that a change to summer time
 * leaves out: that one opens a week later.
 */
const HORIZON = 15 * DAY;
/** Clocks are changed at most once in so long a time. */
const BETWEEN_CHANGES = 6 * 60 * MINUTE;
/** The number of a day that was a Monday: 5 January 1970. */
const MONDAY = 4;

/** When a window is open next. */
interface Opening {
  /** Milliseconds since 1970; not after the asked time if one is open then. */
  at: number;
  /** The time zone of that window. */
  zone: string;
}

/**
 * When any of the windows is open first, at or after a time. A window is open when clocks in its time zone show a time within it: a time
 * that clocks show twice is within it twice, one that they leave out never.
 *
 * @param now milliseconds since 1970
 * @returns undefined if none opens within 15 days
 */
export function nextOpening(windows: readonly Window[], now: number): Opening | undefined {
  const openings = windows.flatMap((window) => {
    const at = openingOf(window, now);
    return at === undefined ? [] : [{ at, zone: window.zone }];
  });
  return openings.reduce<Opening | undefined>((best, one) => (best && best.at <= one.at ? best : one), undefined);
}

function openingOf(window: Window, now: number): number | undefined {
  for (const { from, to, offset } of stretches(window.zone, now, now + HORIZON)) {
    const at = firstWithin(window, from + offset, to + offset);
    if (at !== undefined) return at - offset;
  }
  return undefined;
}

/** The first moment from `from` to before `to` at which a window is open; all in local time, as milliseconds since 1970 there. */
function firstWithin({ days, from, to }: Window, start: number, end: number): number | undefined {
  const length = (to > from ? to - from : to - from + 1440) * MINUTE;
  // That of the day before may go on.
  for (let day = Math.floor(start / DAY) - 1; day * DAY < end; day++) {
    if (!days.has((((day - MONDAY) % 7) + 7) % 7)) continue;
    const opens = day * DAY + from * MINUTE;
    const first = Math.max(opens, start);
    if (first < Math.min(opens + length, end)) return first;
  }
  return undefined;
}

/** The time from `from` to `to`, cut where the zone's offset from UTC changes. */
function* stretches(zone: string, from: number, to: number): Generator<{ from: number; to: number; offset: number }> {
  let begin = from;
  let offset = offsetOf(zone, from);
  for (let at = from; at < to; at += BETWEEN_CHANGES) {
    const after = Math.min(at + BETWEEN_CHANGES, to);
    if (offsetOf(zone, after) === offset) continue;
    const change = changeWithin(zone, at, after);
    yield { from: begin, to: change, offset };
    begin = change;
    offset = offsetOf(zone, change);
  }
  yield { from: begin, to, offset };
}

/** The first moment after `before` with another offset than it; `after` has one. */
function changeWithin(zone: string, before: number, after: number): number {
  const was = offsetOf(zone, before);
  let [low, high] = [before, after];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetOf(zone, middle) === was) low = middle;
    else high = middle;
  }
  return high;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What clocks in a zone show at a time, less what they show in UTC, in milliseconds. */
function offsetOf(zone: string, at: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    const numeric = "numeric" as const;
    format = new Intl.DateTimeFormat("en-u-ca-iso8601-nu-latn", {
      timeZone: zone,
      hourCycle: "h23",
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
    formats.set(zone, format);
  }
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  const shown = Date.UTC(year, month - 1, day, hour, minute, second);
  return shown - (at - (((at % 1000) + 1000) % 1000));
}
