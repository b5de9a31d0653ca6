import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { peer } from "../../test/support/peers.ts";
import { Repositories } from "./repositories.ts";

beforeEach((context) => {
  peer(context, "git");
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
