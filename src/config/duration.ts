import type { Parsed } from "./parsed.ts";

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** How a duration is written, for JSON Schema and messages. */
export const DURATION_PATTERN = "^(0|([0-9]+(ms|s|m|h|d))+)$";

/**
 * Reads a duration: whole numbers with `ms`, `s`, `m`, `h` or `d`, one or more after each other (`90s`, `1h30m`), or `0`.
 *
 * @param range the least and the most that is allowed, milliseconds
 * @returns milliseconds
 */
export function parseDuration(text: string, range: readonly [number, number]): Parsed<number> {
  if (text.length > 50 || !new RegExp(DURATION_PATTERN).test(text)) {
    return { problem: "is no duration; write `30s`, `5m`, `1h` or `1h30m`" };
  }
  let value = 0;
  for (const [, count, unit] of text.matchAll(/([0-9]+)(ms|s|m|h|d)/g)) {
    value += Number(count) * units[unit as keyof typeof units];
  }
  const [least, most] = range;
  if (value < least) return { problem: `is less than ${formatDuration(least)}` };
  if (value > most) return { problem: `is more than ${formatDuration(most)}` };
  return { value };
}

/** Writes milliseconds as `parseDuration` reads it, in the largest unit that divides them: `5m`, `90s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0";
  for (const unit of ["d", "h", "m", "s"] as const) {
    if (milliseconds % units[unit] === 0) return `${milliseconds / units[unit]}${unit}`;
  }
  return `${milliseconds}ms`;
}
