import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { peer } from "../../test/support/peers.ts";
import { Repositories } from "./repositories.ts";

beforeEach((context) => {
  peer(context, "git");
});

it("a new one is what git makes, and git finds nothing wrong with it", async () => {
  using temporary = temporaryFolder();
  const folder = temporary.path;
  const made = join(folder, "made.git");
  const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8" });
  git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", made);
  await new Repositories({ folder }).create("blog");
  const blog = join(folder, "blog.git");
  const names = (path: string): string[] => readdirSync(path, { recursive: true, encoding: "utf8" }).toSorted();
  expect(names(blog)).toEqual(names(made));
  expect(readFileSync(join(blog, "HEAD"), "utf8")).toBe(readFileSync(join(made, "HEAD"), "utf8"));
  expect(git("-C", blog, "fsck", "--strict")).toBe("");
  expect(git("-C", blog, "rev-parse", "--is-bare-repository")).toBe("true\n");
});

it("one that nobody has used yet is made when it is; to pack it there is no need before", async () => {
  using temporary = temporaryFolder();
  const repositories = new Repositories({ folder: temporary.path });
  expect(await repositories.maintain("blog", new AbortController().signal)).toBe(false);
  expect(readdirSync(temporary.path)).toEqual([]);
  expect(await repositories.refs("blog")).toEqual([]);
  expect(readdirSync(temporary.path)).toEqual(["blog.git"]);
});

describe("repositories at the start", () => {
  it("are as they were, but for what a crash left of a removal", async () => {
    using temporary = temporaryFolder();
    const folder = temporary.path;
    const before = new Repositories({ folder });
    await before.create("blog");
    mkdirSync(join(folder, ".gone-a1b2c3/repository/objects"), { recursive: true });
    await new Repositories({ folder }).reconcile();
    expect(readdirSync(folder)).toEqual(["blog.git"]);
  });

  it("a damaged one does not keep the others from being there", async () => {
    using temporary = temporaryFolder();
    const folder = temporary.path;
    const before = new Repositories({ folder });
    for (const app of ["blog", "shop"]) await before.create(app);
    rmSync(join(folder, "blog.git/objects"), { recursive: true });
    rmSync(join(folder, "blog.git/config"));
    writeFileSync(join(folder, "shop.git/HEAD.lock"), "");
    const after = new Repositories({ folder });
    await after.reconcile();
    expect(await after.refs("shop")).toEqual([]);
    expect(existsSync(join(folder, "shop.git/HEAD.lock"))).toBe(false);
    await expect(after.refs("blog")).rejects.toMatchObject({ code: "GIT_FAILED" });
  });

  it("those of submodules are rid of what a crash left of a fetch as well", async () => {
    using temporary = temporaryFolder();
    const module = join(temporary.path, "blog.modules", "0123456789abcdef01234567.git");
    mkdirSync(join(module, "objects/pack"), { recursive: true });
    for (const name of ["shallow.lock", "objects/pack/tmp_pack_x"]) writeFileSync(join(module, name), "");
    await new Repositories({ folder: temporary.path }).reconcile();
    expect(readdirSync(module)).toEqual(["objects"]);
    expect(readdirSync(join(module, "objects/pack"))).toEqual([]);
  });

  it("one that is removed is gone, also twice", async () => {
    using temporary = temporaryFolder();
    const folder = temporary.path;
    const repositories = new Repositories({ folder });
    await repositories.create("blog");
    await repositories.remove("blog");
    await repositories.remove("blog");
    expect(readdirSync(folder)).toEqual([]);
  });
});
