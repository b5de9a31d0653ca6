import { expect, test } from "vitest";
import { formatAge, formatBytes, formatElapsed, formatMoment } from "./human.ts";
import { formatTable } from "./table.ts";

test.each([
  [4.4, "4 ms"],
  [3140, "3.1 s"],
  [125_000, "2 min 5 s"],
])("formatElapsed %d: %s", (ms, text) => expect(formatElapsed(ms)).toBe(text));

test.each([
  [0, "just now"],
  [30, "30 s ago"],
  [90, "1 min ago"],
  [7200, "2 h ago"],
  [86_400, "1 day ago"],
  [5 * 86_400, "5 days ago"],
  [31 * 86_400, "1970-01-01"],
])("formatAge %d s: %s", (seconds, text) => expect(formatAge(0, seconds * 1000)).toBe(text));

test("formatMoment is a time of day, with the date if that is another", () => {
  const at = new Date(2026, 0, 31, 9, 5).getTime();
  expect(formatMoment(at, at + 3_600_000)).toBe("09:05");
  expect(formatMoment(at, at + 86_400_000)).toBe("2026-01-31 09:05");
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [200 * 1024, "200 KiB"],
  [3 * 1024 ** 3, "3.0 GiB"],
])("formatBytes %d: %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test("formatTable aligns by what is seen", () => {
  expect(formatTable([["a", "\u001b[1mbb\u001b[22m", "c"], ["aaa", "b", ""], ["ü"]])).toBe(
    "a    \u001b[1mbb\u001b[22m  c\naaa  b\nü",
  );
});
