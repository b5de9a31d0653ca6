import fc from "fast-check";
import { expect, test } from "vitest";
import { parseJson } from "../shared/json/parse-json.ts";
import { splitJson } from "./split-json.ts";

/** Cuts bytes at these places. */
async function* cutAt(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer, void, void> {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  for (const place of [...places, bytes.length]) {
    yield bytes.subarray(from, place);
    from = place;
  }
}

async function split(text: string, cuts: readonly number[] = [], mostBytes = 1 << 20): Promise<string[]> {
  const found: string[] = [];
  for await (const object of splitJson(cutAt(Buffer.from(text), cuts), mostBytes)) found.push(object);
  return found;
}

const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), { maxLength: 8 });
const blanks = fc.stringMatching(/^[ \t\r\n]*$/);
const cuts = fc.array(fc.nat(), { maxLength: 40 });

test("objects come out whole, wherever the stream is cut and whatever blanks are between them", async () => {
  await fc.assert(
    fc.asyncProperty(objects, blanks, cuts, async (values, blank, cuts) => {
      const texts = values.map((value) => JSON.stringify(value));
      const found = await split(texts.map((text) => text + blank).join(""), cuts);
      expect(found).toEqual(texts);
      expect(found.map(parseJson)).toEqual(texts.map(parseJson));
    }),
  );
});

test("an object that breaks off is left out", async () => {
  await fc.assert(
    fc.asyncProperty(objects, fc.nat(), cuts, async (values, length, cuts) => {
      const last = '{"a":"}\\"{","b":{"c":1}}';
      const whole = values.map((value) => JSON.stringify(value));
      const text = `${whole.join("\n")}${last.slice(0, length % last.length)}`;
      expect(await split(text, cuts)).toEqual(whole);
    }),
  );
});

test("what a server says at the end, when it fails, is told after all that came before", async () => {
  for (const cuts of [[], [2], [3, 10], [1, 2, 3, 4, 5, 6, 7]]) {
    const found: string[] = [];
    const reading = (async () => {
      for await (const text of splitJson(cutAt(Buffer.from("{}\nevent dropped from buffer"), cuts), 100))
        found.push(text);
    })();
    await expect(reading).rejects.toThrow(/^event dropped from buffer$/);
    expect(found).toEqual(["{}"]);
  }
});

test("the length of an object is bounded, and so is what is kept of a text", async () => {
  await expect(split(`{"a":"${"x".repeat(200)}"}`, [10, 20, 150], 100)).rejects.toThrow("longer than 100 bytes");
  await expect(split(`{"a":"${"x".repeat(200)}`, [10, 20, 150], 100)).rejects.toThrow("longer than 100 bytes");
  expect(await split('{"a":1}{"a":2}', [], 7)).toEqual(['{"a":1}', '{"a":2}']);
  const error = await split("y".repeat(100_000), [5000, 50_000]).catch((error: unknown) => error);
  expect((error as Error).message).toHaveLength(4096);
});
