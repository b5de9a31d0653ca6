import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { peer } from "../../test/support/peers.ts";
import type { SourceEntry } from "../builds/index.ts";
import { Repositories } from "./repositories.ts";
import { TestRepository } from "./test-repository.ts";

const signal = new AbortController().signal;

beforeEach((context) => {
  peer(context, "git");
});

async function setUp() {
  const folder = temporaryFolder();
  const user = await TestRepository.create(join(folder.path, "user"));
  const repositories = new Repositories({ folder: join(folder.path, "repositories"), submoduleProtocols: "file" });
  return {
    user,
    repositories,
    folder: folder.path,
    async tree(commit: string) {
      await repositories.fetch("blog", pathToFileURL(user.path).href, signal);
      return repositories.tree("blog", commit, "blog@v1");
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

async function contents(read: AsyncIterable<{ entry: SourceEntry; content: AsyncIterable<Uint8Array> }>) {
  const found: Record<string, string> = {};
  for await (const { entry, content } of read) {
    const hash = createHash("sha256");
    for await (const chunk of content) hash.update(chunk);
    found[entry.path.toString("latin1")] = hash.digest("hex");
  }
  return found;
}

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

describe("a commit's tree", () => {
  it("lists and reads files of any name and size", async () => {
    using setup = await setUp();
    const large = randomBytes(3 * 1024 * 1024);
    const files: Record<string, string | Buffer> = {
      'a\nb\t"é".html': "one\n",
      empty: "",
      "sub/large": large,
      "sub/x y": "missing\n",
    };
    for (const [path, content] of Object.entries(files)) setup.user.write(path, content);
    setup.user.link("link", "sub/large");
    const tree = await setup.tree(await setup.user.commit());
    const entries = await tree.list(".");
    expect(entries.map(({ path, kind, size }) => [path.toString(), kind, size])).toEqual([
      ['a\nb\t"é".html', "file", 4],
      ["empty", "file", 0],
      ["link", "link", 9],
      ["sub/large", "file", large.length],
      ["sub/x y", "file", 8],
    ]);
    const read = await contents(tree.read(entries));
    expect(read["sub/large"]).toBe(sha256(large));
    expect(read["link"]).toBe(sha256("sub/large"));
    expect(read["empty"]).toBe(sha256(""));
    expect((await tree.list("./sub/")).map(({ path }) => path.toString())).toEqual(["large", "x y"]);
  });

  it("goes on where a content was not read, and ends when it is left", async () => {
    using setup = await setUp();
    for (let index = 0; index < 50; index++) setup.user.write(`f${index}`, randomBytes(100_000));
    const tree = await setup.tree(await setup.user.commit());
    const entries = await tree.list(".");
    const names: string[] = [];
    for await (const { entry, content } of tree.read(entries)) {
      names.push(entry.path.toString());
      if (names.length % 2 === 0) for await (const _ of content) break;
      if (names.length === 40) break;
    }
    expect(names).toEqual(entries.slice(0, 40).map(({ path }) => path.toString()));
  });

  it("says which folder is missing, and which object", async () => {
    using setup = await setUp();
    setup.user.write("file", "x");
    const tree = await setup.tree(await setup.user.commit());
    for (const folder of ["public", "file"]) {
      await expect(tree.list(folder)).rejects.toMatchObject({ code: "FOLDER_MISSING", subject: "blog@v1" });
    }
    const entry: SourceEntry = { path: Buffer.from("x"), kind: "file", size: 1, oid: Buffer.alloc(20, 7) };
    await expect(contents(tree.read([entry]))).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
  });

  it("is checked out with links as links, and without running anything", async () => {
    using setup = await setUp();
    setup.user.write("run.sh", "#!/bin/sh\n");
    await setup.user.git("add", ".");
    await setup.user.git("update-index", "--chmod=+x", "run.sh");
    setup.user.link("out", "/etc/passwd");
    setup.user.write(".gitattributes", "* filter=evil\n");
    await setup.user.git("add", "out", ".gitattributes");
    await setup.user.git("commit", "-qm", "x");
    const tree = await setup.tree((await setup.user.git("rev-parse", "HEAD")).trim());
    const into = join(setup.folder, "checkout");
    mkdirSync(into);
    await tree.checkout(into, signal);
    expect(readdirSync(into).sort()).toEqual([".gitattributes", "out", "run.sh"]);
    expect(readlinkSync(join(into, "out"))).toBe("/etc/passwd");
    expect(statSync(join(into, "run.sh")).mode & 0o111).not.toBe(0);
    expect(existsSync(join(setup.repositories.path("blog"), "index"))).toBe(false);
    expect(readdirSync(setup.folder).filter((name) => name.startsWith(".checkout"))).toEqual([]);
  });

  it("is checked out with its submodules, and theirs", async () => {
    using setup = await setUp();
    const inner = await TestRepository.create(join(setup.folder, "inner"));
    inner.write("inner.txt", "inner");
    await inner.commit();
    const theme = await TestRepository.create(join(setup.folder, "theme"));
    theme.write("theme.txt", "theme");
    await theme.git("submodule", "--quiet", "add", pathToFileURL(inner.path).href, "deep");
    await theme.commit();
    await setup.user.git("submodule", "--quiet", "add", pathToFileURL(theme.path).href, "themes/t");
    const commit = await setup.user.commit();
    const tree = await setup.tree(commit);
    expect((await tree.list(".")).map(({ kind }) => kind)).toEqual(["file", "submodule"]);
    for (const name of ["one", "two"]) {
      const into = join(setup.folder, name);
      mkdirSync(into);
      await tree.checkout(into, signal);
      expect(readFileSync(join(into, "themes/t/theme.txt"), "utf8")).toBe("theme");
      expect(readFileSync(join(into, "themes/t/deep/inner.txt"), "utf8")).toBe("inner");
    }
    expect(readdirSync(join(setup.folder, "repositories")).sort()).toEqual(["blog.git", "blog.modules"]);
    const strict = new Repositories({ folder: join(setup.folder, "repositories") });
    const into = join(setup.folder, "three");
    mkdirSync(into);
    await expect(strict.tree("blog", commit, "blog@v1").checkout(into, signal)).rejects.toMatchObject({
      code: "REPOSITORY_INVALID",
      reason: expect.stringContaining("only https is fetched"),
    });
    execFileSync("rm", ["-rf", theme.path, join(setup.folder, "repositories", "blog.modules")]);
    await expect(tree.checkout(into, signal)).rejects.toMatchObject({ code: "REMOTE_UNREACHABLE" });
  });
});
