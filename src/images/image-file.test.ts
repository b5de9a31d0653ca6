import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeImageFile, encodeImageFile } from "./image-file.ts";

const path = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }).map((text) => text.replaceAll("\0", "_"));
const entries = fc.uniqueArray(fc.record({ path, size: fc.nat(2 ** 31 - 1).map((n) => n * 1000) }), {
  selector: (item) => item.path,
  minLength: 1,
});

const image = entries.map((list) => ({
  manifest: Buffer.from('{"manifest":true}'),
  config: Buffer.from("{}"),
  tree: list.map((item) => ({ ...item, hash: createHash("sha256").update(item.path).digest() })),
  layers: Uint8Array.from(list, (_, i) => i % 32),
}));

test("what is written is read", () => {
  fc.assert(
    fc.property(image, (written) => {
      const read = decodeImageFile(encodeImageFile(written), "x");
      expect({ ...read, layers: Uint8Array.from(read.layers) }).toEqual(written);
    }),
  );
});

test("a byte that changed anywhere, or an end that is missing, is noticed", () => {
  fc.assert(
    fc.property(image, fc.nat(), fc.integer({ min: 1, max: 255 }), (written, where, change) => {
      const file = encodeImageFile(written);
      const damaged = Buffer.from(file);
      damaged[where % file.length]! ^= change;
      const read = (bytes: Buffer) => () => decodeImageFile(bytes, "the image");
      expect(read(file.subarray(0, where % file.length))).toThrow(expect.objectContaining({ code: "CONTENT_CORRUPT" }));
      try {
        // A few bits of a zstd frame mean nothing: then all that was written must be there.
        const { layers, ...rest } = read(damaged)();
        expect({ ...rest, layers: Uint8Array.from(layers) }).toEqual(written);
      } catch (error) {
        expect(error).toMatchObject({ code: "CONTENT_CORRUPT" });
      }
    }),
  );
});
