import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { expect, test } from "vitest";
import type { Release } from "../../api/types.ts";
import { blog, FakeWorld } from "../fake-world.ts";

const release: Release = {
  app: "blog",
  number: 3,
  image: `sha256:${"a".repeat(64)}`,
  definition: blog,
  ref: null,
  commit: null,
  reference: null,
  deployment: 1,
  createdAt: 0,
  live: true,
};
const hex = createHash("sha256").update("a layer").digest("hex");
const layout = { "oci-layout": "{}", [`blobs/sha256/${hex}`]: "a layer", "index.json": "{}" };

/** A server that sends an archive of these files, at first of release 3, which is live. */
async function serving(files: Readonly<Record<string, string>>): Promise<FakeWorld> {
  const world = await FakeWorld.make();
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content);
  archive.finalize();
  const bytes = await buffer(archive);
  world.routes.set("GET /v1/apps/blog/releases", [{ ...release, number: 4, live: false }, release]);
  const answer = (_: unknown, response: ServerResponse) => response.end(bytes);
  for (const number of [3, 4]) world.routes.set(`GET /v1/apps/blog/releases/${number}/image`, answer);
  return world;
}

test("writes an archive of the live release, or of the one that is named", async () => {
  await using world = await serving(layout);
  const output = join(world.folder, "work/blog-3.tar");
  const { stdout } = await world.run("image", "export", "blog");
  expect(stdout).toBe(
    `${output} (4.0 KiB): blog, release 3, image aaaaaaaaaaaa\nRead it: skopeo inspect oci-archive:${output}\n`,
  );
  expect(JSON.parse((await world.run("image", "export", "blog", "4", "--json")).stdout)).toMatchObject({
    release: 4,
    output: join(world.folder, "work/blog-4.tar"),
    bytes: readFileSync(output).length,
  });
  expect(Buffer.from((await world.run("image", "export", "blog", "-o", "-")).stdout)).toEqual(readFileSync(output));
});

test("writes a layout into a folder that is empty or not there", async () => {
  await using world = await serving(layout);
  mkdirSync(join(world.folder, "work/empty"));
  for (const folder of ["empty", "new/layout/"]) {
    const { stdout, stderr } = await world.run("image", "export", "blog", "--output", folder);
    expect([stdout, stderr]).toEqual([expect.stringContaining(`oci:${resolve(world.folder, "work", folder)}:3`), ""]);
    const at = join(world.folder, "work", folder);
    expect(readdirSync(at).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
    expect(readFileSync(join(at, "blobs/sha256", hex), "utf8")).toBe("a layer");
  }
  writeFileSync(join(world.folder, "work/file"), "");
  const full = await world.run("image", "export", "blog", "--output", "empty");
  expect([full.code, full.stderr]).toEqual([2, expect.stringContaining("the folder is not empty")]);
  expect((await world.run("image", "export", "blog", "--output", "file/")).stderr).toContain("it is a file");
});

test.each([
  ["a path that leads out", { "../outside": "x" }, "is no part of an image layout"],
  ["content that its digest does not say", { [`blobs/sha256/${hex}`]: "another" }, "is another"],
  ["no index", { "oci-layout": "{}" }, "has no index at its end"],
])("leaves nothing of an archive with %s", async (_, files, cause) => {
  await using world = await serving(files);
  const { code, stderr } = await world.run("image", "export", "blog", "--output", "layout/");
  expect([code, stderr]).toEqual([7, expect.stringContaining(cause)]);
  expect(readdirSync(join(world.folder, "work/layout"))).toEqual([]);
  expect(existsSync(join(world.folder, "work/outside"))).toBe(false);
});

test("says when there is no such release, or none is live", async () => {
  await using world = await serving(layout);
  const wrong = await world.run("image", "export", "blog", "9");
  expect([wrong.code, wrong.stderr]).toEqual([3, expect.stringContaining("blog, release 9: there is no such release")]);
  world.routes.set("GET /v1/apps/blog/releases", []);
  expect((await world.run("image", "export", "blog")).stderr).toContain("no release of it is live");
});
