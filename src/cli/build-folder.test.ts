import { hash } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { passFileTick } from "../../test/support/file-clock.ts";
import { type TemporaryFolder, temporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeBase } from "../images/writer/base-fixture.ts";
import { FakeClock } from "../shared/clock.ts";
import { FakeWorld } from "./fake-world.ts";

const NAMES = ["index.html", "a.html", "b.html", "one/a.html", "one/b.html", "two/a.html"];
const CONTENTS = ["aaaa", "bbbb", "cccc", "longer than the others"];

/** Seconds since 1970. Whole, so that all files have exactly the same: most changes cannot be told by it. */
const TIME = 1_700_000_000;

function writeAt(file: string, text: string): void {
  writeFileSync(file, text);
  utimesSync(file, TIME, TIME);
}

/** One thing that may be done to a folder. Those that keep size and time are those that a weaker memory would not see. */
type Change = (site: string) => void;
const name = fc.constantFrom(...NAMES);
const content = fc.constantFrom(...CONTENTS);
const on = (path: string, work: (file: string) => void): Change => {
  return (site) => {
    if (existsSync(join(site, path))) work(join(site, path));
  };
};
const write = fc.tuple(name, content).map(([path, text]): Change => {
  return (site) => {
    mkdirSync(dirname(join(site, path)), { recursive: true });
    writeAt(join(site, path), text);
  };
});
const others = fc.oneof(
  fc.tuple(name, content).map(([path, text]) =>
    on(path, (file) => {
      writeFileSync(file, text);
    }),
  ),
  name.map((path) => on(path, (file) => appendFileSync(file, "!"))),
  name.map((path) => on(path, (file) => rmSync(file))),
  fc.tuple(name, name).map(([from, to]) =>
    on(from, (file) => {
      const target = join(file.slice(0, -from.length), to);
      mkdirSync(dirname(target), { recursive: true });
      renameSync(file, target);
    }),
  ),
  fc.tuple(name, name).map(([from, to]) =>
    on(from, (file) => {
      const target = join(file.slice(0, -from.length), to);
      if (target === file) return;
      mkdirSync(dirname(target), { recursive: true });
      rmSync(target, { force: true });
      linkSync(file, target);
    }),
  ),
  fc.constant<Change>((site) => {
    if (!existsSync(join(site, "one")) || !existsSync(join(site, "two"))) return;
    renameSync(join(site, "one"), join(site, "three"));
    renameSync(join(site, "two"), join(site, "one"));
    renameSync(join(site, "three"), join(site, "two"));
  }),
  fc.tuple(name, name).map(([from, to]) =>
    on(from, (file) => {
      const target = join(file.slice(0, -from.length), to);
      if (!existsSync(target) || target === file) return;
      copyFileSync(file, `${target}.new`);
      utimesSync(`${target}.new`, TIME, TIME);
      renameSync(`${target}.new`, target);
    }),
  ),
);
const step = fc.array(fc.oneof(write, others), { minLength: 1, maxLength: 4 });

/** A user with a base and a site, for whom all files of the site are old. */
async function worldWithSite(): Promise<FakeWorld> {
  const world = await FakeWorld.make();
  writeBase(join(world.folder, "work/base"), ["amd64"]);
  world.overrides = { clock: new FakeClock(Date.now() + 600_000) };
  world.write("site/index.html", "hello");
  return world;
}

const BUILD = ["build", "site", "--base", "oci:base", "--tag", "registry.example.com/site:v1", "--json"];

/** What a build says of its image, with what is remembered in this folder. */
async function build(world: FakeWorld, cache: string, output = "oci:out"): Promise<{ image: string }> {
  world.env["XDG_CACHE_HOME"] = cache;
  const { code, stdout, stderr } = await world.run(...BUILD, "--output", output);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as { image: string };
}

/** The one file in which the contents of a folder are remembered. */
function memoryIn(cache: TemporaryFolder): string {
  const [only = "none"] = readdirSync(cache.file("steppe/folders"));
  return cache.file("steppe/folders", only);
}

test(
  "an image is the same with and without what is remembered of files, whatever was done to them",
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        await using world = await worldWithSite();
        using cache = temporaryFolder("cache");
        const site = join(world.folder, "work/site");
        for (const changes of steps) {
          passFileTick(cache.path);
          for (const change of changes) change(site);
          world.write("site/kept.html", "there is always one");
          using none = temporaryFolder("cache");
          const withMemory = await build(world, cache.path);
          expect(withMemory).toEqual({ ...(await build(world, none.path)), layers: expect.anything() });
        }
      }),
      { numRuns: 60 },
    );
  },
);

test("what is read later is what was remembered, or nothing is made", async () => {
  await using world = await worldWithSite();
  using cache = temporaryFolder("cache");
  const first = await build(world, cache.path);
  // What is remembered is believed: the layer is made of what is there, and that is found to be something else.
  const memory = memoryIn(cache);
  expect(statSync(memory).size).toBe(16 + 72 + 32);
  world.write("site/index.html", "other");
  const second = await build(world, cache.path);
  expect(second.image).not.toBe(first.image);
  const sealed = readFileSync(memory);
  sealed[sealed.length - 33] = (sealed.at(-33) ?? 0) ^ 1;
  const body = sealed.subarray(0, -32);
  writeFileSync(memory, Buffer.concat([body, hash("sha256", body, "buffer")]));
  world.write("site/more.html", "so that the layer is made");
  const { code, stderr } = await world.run(...BUILD, "--output", "oci:out");
  expect([code, stderr]).toEqual([7, expect.stringContaining("CONTENT_CORRUPT")]);
  rmSync(join(world.folder, "work/site/more.html"));
  rmSync(join(world.folder, "work/out"), { recursive: true });
  rmSync(cache.file("steppe/layers.json"));
  expect(await build(world, cache.path)).toMatchObject({ image: second.image, layers: { made: 1 } });
});

test("a memory that is damaged is as if it were not there, and the next is sound", async () => {
  await using world = await worldWithSite();
  using cache = temporaryFolder("cache");
  const { image } = await build(world, cache.path);
  writeFileSync(memoryIn(cache), "nonsense");
  expect((await build(world, cache.path)).image).toBe(image);
  expect(statSync(memoryIn(cache)).size).toBe(16 + 72 + 32);
});

test("builds of a folder at the same time do not disturb each other", async () => {
  await using world = await worldWithSite();
  using cache = temporaryFolder("cache");
  for (let i = 0; i < 50; i++) world.write(`site/page-${i}.html`, `page ${i}`);
  const built = await Promise.all(["1", "2", "3", "4"].map((name) => build(world, cache.path, `oci:out-${name}`)));
  expect(new Set(built.map(({ image }) => image)).size).toBe(1);
  expect(readdirSync(cache.file("steppe")).sort()).toEqual(["folders", "layers.json"]);
  expect(readdirSync(cache.file("steppe/folders"))).toHaveLength(1);
});

test("a cache that cannot be written is no failure, and is told of", async () => {
  await using world = await worldWithSite();
  world.env["XDG_CACHE_HOME"] = world.write("no-folder", "");
  const { code, stderr } = await world.run(...BUILD, "--output", "oci:out");
  expect([code, stderr.split("\n").filter((line) => line.startsWith("note: the next build"))]).toEqual([
    0,
    [
      expect.stringMatching(/^note: the next build makes all layers anew, since that could not be remembered: ENOTDIR/),
      expect.stringMatching(/^note: the next build reads all files, since that could not be remembered: ENOTDIR/),
    ],
  ]);
});
