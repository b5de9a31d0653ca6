import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { importTree, type KnownFiles } from "./import-tree.ts";
import { MemoryFileStore } from "./memory-file-store.ts";
import { link, MemoryTree, type Thing } from "./memory-tree.ts";
import { siteFiles } from "./site-files.ts";
import type { SourceTree } from "./source-tree.ts";

class MemoryKnownFiles implements KnownFiles {
  readonly known = new Map<string, Uint8Array>();
  readonly #files: MemoryFileStore;
  constructor(files: MemoryFileStore) {
    this.#files = files;
  }
  lookup(app: string, oids: readonly Uint8Array[]) {
    return oids.map((oid) => {
      const hash = this.known.get(`${app} ${Buffer.from(oid).toString("hex")}`);
      return hash && this.#files.locate(hash) ? hash : undefined;
    });
  }
  remember(app: string, known: Iterable<{ oid: Uint8Array; hash: Uint8Array }>) {
    for (const { oid, hash } of known) this.known.set(`${app} ${Buffer.from(oid).toString("hex")}`, hash);
  }
}

function bring(
  tree: SourceTree,
  options: { folder?: string; files?: MemoryFileStore; knownFiles?: KnownFiles; signal?: AbortSignal } = {},
) {
  const { folder = ".", files = new MemoryFileStore(), signal = new AbortController().signal, knownFiles } = options;
  return importTree({ app: "blog", tree, folder, files, signal, progress() {}, ...(knownFiles ? { knownFiles } : {}) });
}

async function site(
  things: Array<[string | Buffer, Thing]> | Record<string, Thing>,
  folder = ".",
): Promise<Record<string, string>> {
  const files = new MemoryFileStore();
  const tree = await bring(new MemoryTree(things), { files, folder });
  const found: Record<string, string> = {};
  for (const { path, hash } of tree) found[path] = (await files.read(hash)).toString();
  return found;
}

describe("a site's files", () => {
  it("are those for visitors", async () => {
    const things = {
      "index.html": "i",
      ".git/config": "x",
      ".hidden": "x",
      "a/.hidden/b": "x",
      ".well-known/security.txt": "s",
      "a/b.html": "b",
      "steppe.yaml": "x",
      Dockerfile: "x",
      ".dockerignore": "x",
      "docs/Dockerfile": "d",
      _headers: "h",
    };
    expect(Object.keys(await site(things))).toEqual([
      ".well-known/security.txt",
      "_headers",
      "a/b.html",
      "docs/Dockerfile",
      "index.html",
    ]);
    expect(await site({ "docs/Dockerfile": "d", x: "x" }, "docs")).toEqual({ Dockerfile: "d" });
  });

  it("come sorted by the bytes of their paths", async () => {
    const names = ["é", "z", "a/b", "a-b", "a.b", "\u{1f600}", "\uffee"];
    const tree = await bring(new MemoryTree(Object.fromEntries(names.map((name) => [name, name]))));
    expect(tree.map(({ path }) => path)).toEqual(names.toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b))));
  });

  it.each<[string, Record<string, Thing> | Array<[string | Buffer, Thing]>, string, string]>([
    ["nothing", {}, "SITE_EMPTY", "it holds no file"],
    ["only hidden files", { ".a": "x", "steppe.yaml": "y" }, "SITE_EMPTY", "it holds no file"],
    [
      "a link that leads out",
      { "docs/x": link("../../etc/passwd") },
      "LINK_OUTSIDE",
      "`docs/x` leads out of the site, to `../../etc/passwd`",
    ],
    ["an absolute link", { x: link("/etc/passwd") }, "LINK_OUTSIDE", "`x` leads out of the site, to `/etc/passwd`"],
    ["a link that leads out by another", { a: link("b/.."), b: link("."), c: link("b/../..") }, "LINK_OUTSIDE", "`a`"],
    ["a broken link", { x: link("nothing") }, "LINK_BROKEN", "`x` to `nothing` leads to nothing"],
    ["a link through a file", { f: "x", x: link("f/y") }, "LINK_BROKEN", "leads to nothing"],
    ["a link to itself", { x: link("y"), y: link("x") }, "LINK_BROKEN", "leads to itself"],
    [
      "a link to the folder that holds it",
      { "a/b": "x", "a/c": link(".") },
      "LINK_BROKEN",
      "`a/c` to `.` leads to a folder that holds it",
    ],
    ["a name that is no UTF-8", [[Buffer.from("caf\xe9.html", "latin1"), "x"]], "PATH_NOT_UTF8", "`caf\\xe9.html`"],
    [
      "a path of 4,096 bytes",
      { [`${"d".repeat(200)}/`.repeat(20) + "x".repeat(76)]: "x" },
      "PATH_TOO_LONG",
      "4096 bytes",
    ],
    ["a submodule", { "themes/t": { kind: "submodule" } }, "FILE_UNSUPPORTED", "`themes/t` is a submodule"],
    ["a device", { "a/dev": { kind: "other" } }, "FILE_UNSUPPORTED", "`a/dev` is neither"],
    [
      "a path twice",
      [
        ["a", "1"],
        ["a", "2"],
      ],
      "FILE_UNSUPPORTED",
      "`a` is there twice",
    ],
    ["a malformed path", { "a//b": "x" }, "FILE_UNSUPPORTED", "no name of a file"],
  ])("with %s are refused", async (_what, things, code, cause) => {
    await expect(site(things)).rejects.toMatchObject({
      code,
      subject: "blog@v1",
      reason: expect.stringContaining(cause),
    });
  });

  it("with a long path through links are refused", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `${"n".repeat(100)}${index}`);
    const things = Object.fromEntries(
      names.map((name, index) => [`d${index}/${name}`, link(index === 11 ? "../end" : `../d${index + 1}`)]),
    );
    await expect(site({ ...things, "end/x": "x" })).rejects.toMatchObject({ code: "PATH_TOO_LONG" });
  });
});

describe("links", () => {
  it("become what they lead to", async () => {
    const things = {
      "a/one.html": "1",
      "a/deep/two.html": "2",
      ".shared/three.html": "3",
      file: link("a/one.html"),
      folder: link("./a/"),
      chain: link("folder/deep/../../file"),
      "b/up": link("../.shared"),
      "a/deep/back": link("../one.html"),
    };
    expect(await site(things)).toEqual({
      "a/deep/back": "1",
      "a/deep/two.html": "2",
      "a/one.html": "1",
      "b/up/three.html": "3",
      chain: "1",
      file: "1",
      "folder/deep/back": "1",
      "folder/deep/two.html": "2",
      "folder/one.html": "1",
    });
  });

  it.each(["f0/x", "f0/.hidden"])("cannot multiply %s, and the folders around it, without end", async (file) => {
    const things: Record<string, Thing> = { [file]: "x" };
    for (let index = 1; index < 30; index++) {
      things[`f${index}/a`] = link(`../f${index - 1}`);
      things[`f${index}/b`] = link(`../f${index - 1}`);
    }
    const entries = await new MemoryTree(things).list(".");
    const targets = new Map(entries.map((entry) => [entry, entry.oid?.subarray(4) ?? Buffer.alloc(0)]));
    expect(() => siteFiles(entries, { label: "blog@v1", isRoot: true, targets, mostFiles: 10_000 })).toThrow(
      "more than 10000 folders",
    );
  });

  it("are followed as the kernel follows them", async () => {
    const name = fc.constantFrom("a", "b", "c");
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
    const target = fc
      .array(fc.constantFrom("a", "b", "c", "..", "."), { minLength: 1, maxLength: 4 })
      .map((names) => names.join("/"));
    const thing: fc.Arbitrary<Thing> = fc.oneof(fc.constant<Thing>("content"), target.map(link));
    const folder = mkdtempSync(join(tmpdir(), "steppe-links-"));
    try {
      await fc.assert(
        fc.asyncProperty(fc.dictionary(path, thing, { maxKeys: 6 }), async (things) => {
          const root = join(folder, "site");
          rmSync(root, { recursive: true, force: true });
          mkdirSync(root);
          const made: Record<string, Thing> = {};
          for (const [at, what] of Object.entries(things)) {
            const inTheWay = Object.keys(made).some(
              (other) => at.startsWith(`${other}/`) || other.startsWith(`${at}/`),
            );
            if (inTheWay) continue;
            mkdirSync(dirname(join(root, at)), { recursive: true });
            if (typeof what === "string") writeFileSync(join(root, at), at);
            else if ("link" in what) symlinkSync(what.link, join(root, at));
            made[at] = typeof what === "string" ? at : what;
          }
          const ours = await site(made).catch((error: { code: string }) => error.code);
          if (typeof ours === "string") return; // what find says of loops and of links that lead out differs by design
          const theirs = execFileSync("find", ["-L", ".", "-type", "f", "-printf", "%P\n"], {
            cwd: root,
            encoding: "utf8",
          });
          expect(Object.keys(ours).sort()).toEqual(theirs.split("\n").filter(Boolean).sort());
          for (const [at, content] of Object.entries(ours)) {
            expect(content).toBe(execFileSync("cat", [join(root, at)], { encoding: "utf8" }));
          }
        }),
        { numRuns: 40 },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("what is known", () => {
  it("is not read again", async () => {
    const files = new MemoryFileStore();
    const knownFiles = new MemoryKnownFiles(files);
    const first = new MemoryTree({ a: "1", b: "2", c: "2", l: link("a") });
    await bring(first, { files, knownFiles });
    expect(files.added).toBe(2);
    const second = new MemoryTree({ a: "1", b: "3", c: "2" });
    const tree = await bring(second, { files, knownFiles });
    expect(second.reads).toBe(1);
    expect(tree.map(({ path, size }) => [path, size])).toEqual([
      ["a", 1],
      ["b", 1],
      ["c", 1],
    ]);
    files.contents.clear(); // garbage collection
    const third = new MemoryTree({ a: "1", b: "3", c: "2" });
    await bring(third, { files, knownFiles });
    expect(third.reads).toBe(3);
  });

  it("is not remembered before it is kept", async () => {
    const files = new MemoryFileStore();
    const knownFiles = new MemoryKnownFiles(files);
    files.failure = Object.assign(new Error("no space"), { code: "ENOSPC" });
    await expect(bring(new MemoryTree({ a: "1" }), { files, knownFiles })).rejects.toMatchObject({ code: "DISK_FULL" });
    expect(knownFiles.known.size).toBe(0);
    expect(files.openBatches).toBe(0);
  });

  it("is left as it was when the import is cancelled", async () => {
    const files = new MemoryFileStore();
    const stop = new AbortController();
    const tree = new MemoryTree({ a: "1", b: "2" });
    const read = tree.read.bind(tree);
    tree.read = async function* (entries) {
      for await (const one of read(entries)) {
        stop.abort(new Error("stopped"));
        yield one;
      }
    };
    await expect(bring(tree, { files, signal: stop.signal })).rejects.toThrow("stopped");
    expect([files.contents.size, files.openBatches]).toEqual([0, 0]);
  });
});
