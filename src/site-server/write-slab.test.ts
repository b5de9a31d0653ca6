import { expect, test } from "vitest";
import { WriteSlab } from "./write-slab.ts";

const SLAB = 64 << 10;
const where = ({ buffer, byteOffset }: Buffer): { buffer: ArrayBufferLike; byteOffset: number } => ({
  buffer,
  byteOffset,
});

test("a piece that was taken at once makes room for the next", () => {
  const slab = new WriteSlab();
  const first = where(slab.room(1000));
  expect(where(slab.room(2000))).toEqual(first);
});

test("pieces that wait keep their places; when all were taken, the slab is used anew", () => {
  const slab = new WriteSlab();
  const first = where(slab.room(1000));
  const returned = [slab.lend(1000)];
  expect(where(slab.room(500)).byteOffset).toBe(1000);
  returned.push(slab.lend(500));
  returned[0]?.();
  expect(where(slab.room(500)).byteOffset).toBe(1500);
  returned[1]?.();
  expect(where(slab.room(500))).toEqual(first);
});

test("a full slab with a piece that waits is let alone, and does not touch the next when it returns", () => {
  const slab = new WriteSlab();
  const first = slab.room(SLAB);
  const returned = slab.lend(SLAB);
  const second = slab.room(1000);
  expect(second.buffer).not.toBe(first.buffer);
  slab.keep(1000);
  returned();
  expect(where(slab.room(1000))).toEqual({ buffer: second.buffer, byteOffset: 1000 });
});
