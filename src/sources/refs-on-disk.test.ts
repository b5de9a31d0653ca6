import { join } from "node:path";
import { expect, test } from "vitest";
import { GitRepository } from "../../test/support/git-repository.ts";
import { peer } from "../../test/support/peers.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { refsOnDisk } from "./refs-on-disk.ts";

test("reads loose and packed refs, and sees through the packed ones that moved", async (context) => {
  peer(context, "git");
  using folder = temporaryFolder("refs");
  const repository = await GitRepository.init(folder.path);
  await repository.tag("v1", { "index.html": "1" });
  await repository.tag("nested/v1", { "index.html": "2" });
  await repository.git("pack-refs", "--all");
  await repository.tag("v2", { "index.html": "3" });
  await repository.git("tag", "--force", "v1", "HEAD");
  await repository.git("tag", "--annotate", "--message=three", "v3", "HEAD");
  const told = await repository.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/tags", "refs/heads");
  const expected = new Map(told.split("\n").map((line) => line.split(" ") as [string, string]));
  expect(refsOnDisk(join(folder.path, ".git"))).toEqual(expected);
});

test("a repository that is not there has none", () => {
  expect(refsOnDisk("/nonexistent")).toEqual(new Map());
});
