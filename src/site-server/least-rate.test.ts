import { expect, test } from "vitest";
import { LeastRate } from "./least-rate.ts";
import { testLimits } from "./test-support/test-server.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const limits = { ...testLimits, leastRate: 240, rateGraceMs: 10_000, stalledMs: 120_000 };

/** A socket, at whose end a client takes and gives so many bytes a second. */
class Line {
  bytesRead = 0;
  bytesWritten = 0;
  writableLength = 0;
  readonly rate = new LeastRate(this, limits);
  now = 0;

  send(bytes: number): void {
    this.bytesWritten += bytes;
    this.writableLength += bytes;
  }

  /** Takes pieces of so many bytes at so many bytes a second. @returns after how many milliseconds it is too slow, or undefined */
  take(piece: number, perSecond: number, ms: number): number | undefined {
    this.send(piece);
    for (let taken = 0; this.now < ms;) {
      if (this.rate.isTakenTooSlowly(this.now)) return this.now;
      this.now += 5_000;
      for (taken += perSecond * 5; taken >= piece; taken -= piece) {
        this.writableLength -= piece;
        this.send(piece);
      }
    }
    return undefined;
  }
}

test.for([
  ["a modem", 128 << 10, 4_000],
  ["a piece at the least rate", 64 << 10, 240],
  ["small pieces at the least rate", 1_000, 240],
] as const)("an answer is taken fast enough by %s", ([, piece, perSecond]) => {
  expect(new Line().take(piece, perSecond, 5 * HOUR)).toBeUndefined();
});

test.for([
  ["nothing", 1_000, 0, 15_000 + 5_000],
  ["a byte a minute", 1_000, 1 / 60, 15_000 + 5_000],
  ["a byte a second of large pieces", 128 << 10, 1, 10 * MINUTE],
] as const)("an answer is taken too slowly by %s", ([, piece, perSecond, most]) => {
  const ended = new Line().take(piece, perSecond, 5 * HOUR);
  expect(ended).toBeGreaterThan(limits.rateGraceMs);
  expect(ended).toBeLessThanOrEqual(most);
});

test("what was taken fast is no credit for later, and a pause in which nothing is to be taken costs nothing", () => {
  const line = new Line();
  line.take(64 << 10, 1_000_000, HOUR);
  line.writableLength = 0;
  line.now += HOUR;
  expect(line.rate.isTakenTooSlowly(line.now)).toBe(false);
  line.now += HOUR;
  const begin = line.now;
  expect((line.take(1_000, 0, begin + HOUR) ?? 0) - begin).toBeLessThanOrEqual(20_000);
});

test("a body may rest as long as anything may stall, and its average counts", () => {
  const line = new Line();
  expect(line.rate.isGivenTooSlowly(0, true)).toBe(false);
  expect(line.rate.isGivenTooSlowly(120_000, true)).toBe(false);
  line.bytesRead += 100; // a byte a second or so
  expect(line.rate.isGivenTooSlowly(125_000, true)).toBe(true);
  line.bytesRead += 240 * 3600;
  expect(line.rate.isGivenTooSlowly(HOUR, true)).toBe(false);
  expect(line.rate.isGivenTooSlowly(2 * HOUR, true)).toBe(true);
  expect(line.rate.isGivenTooSlowly(2 * HOUR, false)).toBe(false);
  expect(line.rate.isGivenTooSlowly(3 * HOUR, true)).toBe(false);
});
