import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Release } from "../src/api/types.ts";
import { runCommand } from "../src/shared/run-command.ts";
import { GitRepository } from "./support/git-repository.ts";
import { peer } from "./support/peers.ts";
import { startSteppe } from "./support/steppe.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

async function run(file: string, ...args: string[]): Promise<string> {
  const env = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/" };
  const { code, stdout, stderr } = await runCommand({ file, args, env });
  expect(code, stderr).toBe(0);
  return stdout.toString();
}

test("a release that was deployed is exported as skopeo and umoci read it", { timeout: 120_000 }, async (context) => {
  const skopeo = peer(context, "skopeo");
  const umoci = peer(context, "umoci");
  await using steppe = await startSteppe();
  using folder = temporaryFolder("image");
  const view = (await steppe.json("app", "add", "blog", "--domain", "blog.localhost")) as { pushUrl: string };
  const repository = await GitRepository.init(folder.file("site"));
  await repository.tag("v1", { "index.html": "one" });
  await repository.tag("v2", { "index.html": "two", "Ünïcödé/🦊.html": "fox" });
  for (const tag of ["v1", "v2"]) await repository.git("push", "--quiet", view.pushUrl, tag);
  const releases = (await steppe.json("releases", "blog")) as Release[];
  expect(releases.map(({ number }) => number)).toEqual([2, 1]);

  const archive = folder.file("live.tar");
  await steppe.json("image", "export", "blog", "--output", archive);
  expect(JSON.parse(await run(skopeo, "inspect", `oci-archive:${archive}:2`))).toMatchObject({
    Digest: releases[0]?.image,
  });

  mkdirSync(folder.file("layout"));
  const exported = await steppe.json("image", "export", "blog", "1", "--output", folder.file("layout"));
  expect(exported).toMatchObject({ release: 1, image: releases[1]?.image });
  await run(umoci, "unpack", "--rootless", "--image", `${folder.file("layout")}:1`, folder.file("bundle"));
  expect(readFileSync(join(folder.file("bundle"), "rootfs/www/index.html"), "utf8")).toBe("one");
});
