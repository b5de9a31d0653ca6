import { writeText } from "./bytes";

/** Dates as HTTP sends them: `Tue, 24 Nov 2026 11:04:38 GMT` (RFC 9110, section 5.6.7). */

export const DATE_BYTES: u32 = 29;
/** The end of the year 9999. */
export const DATE_MOST: f64 = 253402300799;

const SECONDS_OF_DAY: u64 = 86400;

/** The clock, in seconds since 1970. */
export let now: f64 = 0;

/** The date of now. */
const NOW_TEXT: u32 = <u32>memory.data(32, 8);

/** Dates that were written lately, one place for each of MEMORY_PLACES remainders: f64 seconds, and the text. Files of a site often share a date. */
const MEMORY_PLACES: u32 = 16;
const MEMORY_SIZE: u32 = 40;
const MEMORY: u32 = <u32>memory.data(640, 8);

setTime(0);

/** Sets the clock, in seconds since 1970; whatever is no time is the nearest that is. */
export function setTime(seconds: f64): void {
  now = seconds >= 0 ? <f64>(<i64>min(seconds, DATE_MOST)) : 0;
  formatDate(NOW_TEXT, now);
}

/** The address of the 29 bytes of now. */
export function date(): u32 {
  return NOW_TEXT;
}

/** The address of the DATE_BYTES of text of a time, 0 to DATE_MOST. Good until another time is asked for. */
export function dateText(seconds: f64): u32 {
  const place = MEMORY + <u32>(<u64>seconds % MEMORY_PLACES) * MEMORY_SIZE;
  if (load<f64>(place) !== seconds || load<u8>(place + 8) === 0) {
    store<f64>(place, seconds);
    formatDate(place + 8, seconds);
  }
  return place + 8;
}

function formatDate(to: u32, seconds: f64): void {
  const total = <u64>seconds;
  const days = <u32>(total / SECONDS_OF_DAY);
  const rest = <u32>(total % SECONDS_OF_DAY);
  writeName(to, "SunMonTueWedThuFriSat", (days + 4) % 7);
  writeText(to + 3, ", ");
  writeCalendar(to + 5, days);
  writeTwo(to + 17, rest / 3600);
  writeText(to + 19, ":");
  writeTwo(to + 20, (rest / 60) % 60);
  writeText(to + 22, ":");
  writeTwo(to + 23, rest % 60);
  writeText(to + 25, " GMT");
}

/** Writes `24 Nov 2026 `. The year is taken to begin in March, so that the day that comes and goes is its last. */
function writeCalendar(to: u32, daysSince1970: u32): void {
  const days = daysSince1970 + 719468; // since the first of March of the year 0
  const era = days / 146097; // 400 years
  const dayOfEra = days % 146097;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const fromMarch = (5 * dayOfYear + 2) / 153;
  const month = (fromMarch + 2) % 12;
  const year = era * 400 + yearOfEra + (month < 2 ? 1 : 0);
  writeTwo(to, dayOfYear - (153 * fromMarch + 2) / 5 + 1);
  writeText(to + 2, " ");
  writeName(to + 3, "JanFebMarAprMayJunJulAugSepOctNovDec", month);
  writeText(to + 6, " ");
  writeTwo(to + 7, year / 100);
  writeTwo(to + 9, year % 100);
  writeText(to + 11, " ");
}

function writeName(to: u32, names: string, number: u32): void {
  const from = changetype<u32>(names) + number * 6;
  for (let i: u32 = 0; i < 3; i++) store<u8>(to + i, load<u16>(from + (i << 1)));
}

function writeTwo(to: u32, value: u32): void {
  store<u8>(to, 0x30 + value / 10);
  store<u8>(to + 1, 0x30 + (value % 10));
}
