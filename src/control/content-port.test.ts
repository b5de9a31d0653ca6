import { expect, test } from "vitest";
import type { Builder } from "../builds/index.ts";
import { contentFixture } from "../images/content-fixture.ts";
import { EncodingMaker } from "../images/index.ts";
import { systemClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { contentPort } from "./content-port.ts";

test("an image whose forms are made is not looked at again, until something was taken away", async () => {
  using content = contentFixture();
  const { images } = content;
  let looks = 0;
  const encodings = new EncodingMaker(content.files, 1);
  const port = contentPort({
    builder: {} as Builder,
    images: Object.assign(images, {
      readTree: async (digest: string) => {
        looks++;
        return (await images.readImage(digest)).tree;
      },
    }),
    registries: { env: {}, insecure: new Set(), clock: systemClock },
    encodings,
    log: silentLogger,
  });
  const { signal } = new AbortController();
  const make = async () =>
    (await images.createImage(await content.add({ "index.html": "<p>again</p>".repeat(300) }))).digest;

  const digest = await make();
  expect(await port.encode(digest, signal)).toBe(true);
  expect(await port.encode(digest, signal)).toBe(false);
  expect(looks).toBe(1);

  await port.collectGarbage(
    () => new Set(),
    async () => {},
  );
  expect(await make()).toBe(digest);
  expect(await port.encode(digest, signal)).toBe(true);
  expect(looks).toBe(2);
});
