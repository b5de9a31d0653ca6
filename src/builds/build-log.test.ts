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
