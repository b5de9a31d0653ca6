/** How a benchmark is run. */
export interface BenchmarkOptions {
  rounds: number;
  /** How long a load goes on. */
  seconds: number;
  /** Parts that are wanted; all if it is empty. */
  only: ReadonlySet<string>;
  /** Only to see that all works. */
  isQuick: boolean;
}

/** What a benchmark found: printed as a table, and as JSON of the same. */
export interface Report {
  /** What was measured and how, in one or two sentences. */
  title: string;
  /** Column names; the first names the row. */
  columns: string[];
  /** A cell is null if there is nothing to tell. */
  rows: Array<Record<string, string | number | null>>;
  /** What was left out, and why. */
  remarks?: string[];
  /** What was to be reached at most, and what came out. */
  targets: Array<{ name: string; target: number; got: number; unit: string }>;
}

export function formatTable({ title, columns, rows, remarks = [], targets }: Report): string {
  const cells = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? "-")))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)));
  const lines = cells.map((line) => line.map((cell, index) => pad(cell, widths[index] ?? 0, index)).join("  "));
  const verdicts = targets.map(
    ({ name, target, got, unit }) =>
      `${got <= target ? "reached" : "MISSED "}  ${name}: ${got} ${unit}, to reach: ${target} ${unit}`,
  );
  return [title, "", ...lines, "", ...remarks.map((remark) => `left out  ${remark}`), ...verdicts, ""].join("\n");
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Rounds to at most `digits` decimals. */
export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
