import { expect, test } from "vitest";
import { printable, printablePainted, styleFor } from "./style.ts";

const EVIL = [
  "\u0000",
  "\r",
  "\u001b",
  "\u007f",
  "\u009b",
  "\u061c",
  "\u200e",
  "\u200f",
  "\u202a",
  "\u202e",
  "\u2066",
  "\u2069",
];

test.each(EVIL)("what others wrote steers no terminal and turns no text around: %j", (control) => {
  expect(printable(`a${control}b`)).toBe("a\ufffdb");
  expect(printablePainted(`a${control}b`)).toBe("a\ufffdb");
});

test("text, line ends and tabs stay, and with paint our own colours", () => {
  const text = "naïve 日本 שלום\n\t✓ 👩‍👩‍👧";
  expect(printable(text)).toBe(text);
  const { red, dim } = styleFor({ isTTY: true }, {});
  expect(printablePainted(red(dim(text)))).toBe(red(dim(text)));
  expect(printable(red("a"))).toBe("\ufffd[31ma\ufffd[39m");
  expect(printablePainted("\u001b[8mhidden")).toBe("\ufffd[8mhidden");
});
