import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BuildLog } from "./build-log.ts";

test("of a build that prints without end a part is kept and handed on, and its last lines", () => {
  const folder = mkdtempSync(join(tmpdir(), "steppe-log-"));
  try {
    const file = join(folder, "1.log");
    let handedOn = 0;
    const log = new BuildLog(file, () => handedOn++);
    const flood = Buffer.from(`${"flood ".repeat(170)}\n`.repeat(64));
    for (let written = 0; written < 200_000_000; written += flood.length) log.write(flood);
    log.write(Buffer.from("the cause\nthe end\n"));
    const { lastLines } = log;
    log.close();
    expect(handedOn).toBeLessThan(20_000);
    const kept = readFileSync(file, "utf8");
    expect(kept.length).toBeLessThan(17_000_000);
    expect(kept).toMatch(/… more than 16777216 bytes: the rest is not kept\n$/);
    expect(lastLines).toMatch(/\nthe cause\nthe end$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a line that is longer than one may be is cut into several, and nothing of it is lost", () => {
  const folder = mkdtempSync(join(tmpdir(), "steppe-log-"));
  try {
    const file = join(folder, "1.log");
    const lines: string[] = [];
    const log = new BuildLog(file, (line) => lines.push(line));
    const long = Array.from({ length: 5000 }, (_, index) => `${index}`.padStart(8)).join("");
    log.write(Buffer.from(`before\n${long}\nafter\n`));
    log.write(Buffer.from(long));
    log.close();
    expect(lines.join("") === `before${long}after${long}`).toBe(true);
    expect(Math.max(...lines.map((line) => line.length))).toBe(16 * 1024);
    expect(readFileSync(file, "utf8") === `${lines.join("\n")}\n`).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
