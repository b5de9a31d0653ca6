import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChunkedDecoder } from "./chunked-decoder.ts";

interface Decoded {
  content: string;
  /** What came after the body. */
  rest: string;
  end: "done" | "refused" | "open";
}

/** Decodes a text that comes in pieces of so many bytes, over and over. */
function decode(text: string, sizes: readonly number[] = [text.length]): Decoded {
  const decoder = new ChunkedDecoder();
  const bytes = Buffer.from(text, "latin1");
  let content = "";
  let at = 0;
  for (let i = 0; at < bytes.length && !decoder.done && !decoder.refused; i++) {
    const piece = bytes.subarray(0, Math.min(bytes.length, at + Math.max(1, sizes[i % sizes.length] ?? 1)));
    at = decoder.feed(piece, at, (run) => (content += run.toString("latin1")));
  }
  const end = decoder.done ? "done" : decoder.refused ? "refused" : "open";
  return { content, rest: end === "refused" ? "" : bytes.toString("latin1", at), end };
}

const encode = (runs: readonly string[]): string =>
  runs.map((run) => `${run.length.toString(16)}\r\n${run}\r\n`).join("");

describe("chunked bodies", () => {
  const runs = fc.array(fc.string({ minLength: 1, maxLength: 40, unit: "binary-ascii" }), { maxLength: 6 });
  const pieces = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

  test("come back as they were, however they are cut, and what follows is left", () => {
    fc.assert(
      fc.property(runs, fc.string({ unit: "binary-ascii", maxLength: 9 }), pieces, (all, rest, sizes) => {
        const text = `${encode(all)}0\r\n\r\n`;
        expect(decode(text + rest)).toEqual({ content: all.join(""), rest, end: "done" });
        expect(decode(text, sizes)).toMatchObject({ content: all.join(""), end: "done" });
      }),
    );
  });

  test("whatever comes, pieces change nothing, and the end is found or refused once", () => {
    const token = fc.constantFrom(
      "0",
      "1",
      "a",
      "F",
      "\r\n",
      "\r",
      "\n",
      ";",
      "x",
      " ",
      "\t",
      "\0",
      ":",
      "5\r\nhello\r\n",
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 14 }), pieces, (tokens, sizes) => {
        const text = tokens.join("");
        const whole = decode(text);
        const cut = decode(text, sizes);
        expect(cut.end).toBe(whole.end);
        expect(cut.content).toBe(whole.content);
        // As the grammar of the RFC has it, by an expression of its own.
        if (whole.end === "done")
          expect(text.slice(0, text.length - whole.rest.length)).toMatch(/0(;[^\r\n\0]*)?\r\n(.*\r\n)*\r\n$/s);
      }),
    );
  });

  test.each([
    ["5;name=value\r\nhello\r\n0;last\r\n\r\n", "hello"],
    ["5\r\nhello\r\n000\r\nExpires: never\r\nX: y\r\n\r\n", "hello"],
    ["00005\r\nhello\r\n0\r\n\r\n", "hello"],
    ["A\r\n0123456789\r\n0\r\n\r\n", "0123456789"],
  ])("takes %j", (text, content) => {
    expect(decode(text)).toEqual({ content, rest: "", end: "done" });
  });

  test.each([
    "5\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhelloo\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-1\r\n\r\n",
    "\r\n",
    ";x\r\n\r\n",
    "10000000000000\r\n",
    "00000000000000\r\n",
    "5\rhello",
    "5;a\nb\r\n",
    "5;a\0b\r\n",
    "0\r\n folded\r\n\r\n",
    "0\r\nX: a\nY: b\r\n\r\n",
    "0\r\n\n",
    `5;${"x".repeat(5000)}\r\n`,
    `0\r\nX: ${"y".repeat(20_000)}\r\n\r\n`,
  ])("refuses %j", (text) => {
    expect(decode(text).end).toBe("refused");
  });

  test("takes nothing more after its end or a refusal", () => {
    for (const text of ["0\r\n\r\n", "x"]) {
      const decoder = new ChunkedDecoder();
      const at = decoder.feed(Buffer.from(text), 0, () => {});
      const more = Buffer.from("5\r\nhello\r\n0\r\n\r\n");
      expect(decoder.feed(more, 0, () => expect.unreachable())).toBe(0);
      expect(at).toBe(text.length);
    }
  });
});
