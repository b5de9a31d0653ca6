import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GitRepository } from "../../../test/support/git-repository.ts";
import { writeBase } from "../../images/writer/base-fixture.ts";
import { runCommand } from "../../shared/run-command.ts";
import { FakeWorld } from "../fake-world.ts";

const TAG = ["--tag", "registry.example.com/team/site:v1"];
const BASE = ["--base", "oci:base"];

/** A site, a base beside it, and git. */
async function worldWithSite(): Promise<FakeWorld> {
  const world = await FakeWorld.make();
  world.write("site/index.html", "hello");
  world.write("site/.env", "secret");
  writeBase(join(world.folder, "work/base"), ["amd64", "arm64"]);
  world.overrides = { run: runCommand };
  world.env["PATH"] = process.env["PATH"];
  return world;
}

interface Config {
  created?: string;
  config: { Labels: Record<string, string> };
}

/** The config of the only image of the layout `out`. */
function configOf(world: FakeWorld): Config {
  const read = (path: string): unknown => JSON.parse(readFileSync(join(world.folder, "work/out", path), "utf8"));
  const blob = (digest: string): unknown => read(`blobs/${digest.replace(":", "/")}`);
  const { manifests } = read("index.json") as { manifests: Array<{ digest: string }> };
  const { config } = blob(manifests[0]?.digest ?? "") as { config: { digest: string } };
  return blob(config.digest) as Config;
}

test("writes what it was told, and says what it is", async () => {
  await using world = await worldWithSite();
  const { stdout, stderr } = await world.run("build", "site", ...TAG, ...BASE, "--output", "oci:out");
  expect([stderr, stdout]).toEqual([
    "",
    expect.stringMatching(
      /^registry\.example\.com\/team\/site:v1@sha256:[0-9a-f]{64}\n1 file, 5 B, in 1 layer, 1 of them made anew; for linux\/amd64, linux\/arm64\nWritten to oci:out\n$/,
    ),
  ]);
  const json = ["--json", "--platform", "linux/arm64", "--output", "site.tar"];
  const again = JSON.parse((await world.run("build", "site", ...TAG, ...BASE, ...json)).stdout) as object;
  expect(again).toMatchObject({ platforms: ["linux/arm64"], files: 1, layers: { site: 1, made: 1 }, pushed: null });
  expect(existsSync(join(world.folder, "work/site.tar"))).toBe(true);
  expect(existsSync(join(world.folder, "home/.cache/steppe/layers.json"))).toBe(true);
});

test("labels it with where a git checkout is from, and never with what is secret of that", async () => {
  await using world = await worldWithSite();
  const git = await GitRepository.init(join(world.folder, "work/site"));
  await git.tag("v1", { "index.html": "hello" });
  await git.git("remote", "add", "origin", "https://user:token@git.example.com/team/site.git?private_token=x");
  const commit = (await git.git("rev-parse", "HEAD")).trim();
  const labels = async (...more: string[]): Promise<Record<string, string>> => {
    const one = ["--platform", "linux/amd64", "--output", "oci:out", ...more];
    expect((await world.run("build", "site", ...TAG, ...BASE, ...one)).stderr).toBe("");
    return configOf(world).config.Labels;
  };
  const source = { "org.opencontainers.image.source": "https://git.example.com/team/site.git" };
  expect(await labels()).toEqual({ mark: "kept", ...source, "org.opencontainers.image.revision": commit });
  world.write("site/index.html", "changed");
  world.env["SOURCE_DATE_EPOCH"] = "1700000000";
  expect(await labels("--label", "a=b=c")).toEqual({ mark: "kept", ...source, a: "b=c" });
  expect(configOf(world).created).toBe("2023-11-14T22:13:20.000Z");
});

test.each([
  [["site", ...TAG], "give --push, --output, or both"],
  [["site", "--push"], "--tag is missing"],
  [["site", ...TAG, "--output", "out"], "neither `oci:FOLDER` nor `FILE.tar`"],
  [["site", "--push", "--tag", `x@sha256:${"a".repeat(64)}`], "names a digest"],
  [["site", ...TAG, "--push", "--compress", "lzma"], "is none of gzip, zstd, none"],
  [["site", ...TAG, "--output", "oci:out", ...BASE, "--platform", "linux"], "is not like linux/amd64"],
  [["site", ...TAG, "--push", "--label", "x"], "is not NAME=VALUE"],
])("says what is wrong with %j", async (args, cause) => {
  await using world = await worldWithSite();
  const { code, stderr } = await world.run("build", ...args);
  expect([code, stderr]).toEqual([2, expect.stringContaining(cause)]);
});

test("names a time that is none", async () => {
  await using world = await worldWithSite();
  world.env["SOURCE_DATE_EPOCH"] = "now";
  const epoch = await world.run("build", "site", ...TAG, ...BASE, "--output", "oci:out");
  expect([epoch.code, epoch.stderr]).toEqual([2, expect.stringContaining("SOURCE_DATE_EPOCH")]);
});

test("a folder that is none, and a place where nothing can be written, are told as such", async () => {
  await using world = await worldWithSite();
  const build = (folder: string, output: string) =>
    world.run("build", folder, ...TAG, ...BASE, "--platform", "linux/amd64", "--output", output);
  const nothing = await build("nothing", "site.tar");
  expect([nothing.code, nothing.stderr]).toEqual([6, expect.stringContaining("build nothing: it does not exist")]);
  expect((await build("site/index.html", "site.tar")).stderr).toContain("build site/index.html: it is no folder");
  const homeless = await build("site", "nowhere/site.tar");
  expect([homeless.code, homeless.stderr]).toEqual([2, expect.stringContaining("to lie in does not exist [USAGE]")]);
  const inFile = await build("site", "site/index.html/site.tar");
  expect([inFile.code, inFile.stderr]).toEqual([2, expect.stringContaining("to lie in is no folder [USAGE]")]);
  mkdirSync(join(world.folder, "work/folder.tar"));
  const folder = await build("site", "folder.tar");
  expect([folder.code, folder.stderr]).toEqual([2, expect.stringContaining("it is a folder [USAGE]")]);
});
