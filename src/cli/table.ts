import { stripVTControlCharacters } from "node:util";

/** Rows in aligned columns, two spaces between them, the last one as long as it is. */
export function formatTable(rows: ReadonlyArray<readonly string[]>): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell));
  }
  const lines = rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - width(cell)),
    );
    return cells.join("  ").trimEnd();
  });
  return lines.join("\n");
}

function width(cell: string): number {
  return Array.from(stripVTControlCharacters(cell)).length;
}
