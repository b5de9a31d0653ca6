import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { folderTree } from "./folder-tree.ts";
import { importTree, type KnownFiles } from "./import-tree.ts";
import { MemoryFileStore } from "./memory-file-store.ts";
import { siteFiles } from "./site-files.ts";
import { hasHiddenName, printablePath } from "./source-path.ts";
import type { SourceEntry, SourceTree } from "./source-tree.ts";

/** What is at a path: a file's content, a link, or another kind of thing. */
type Thing = string | { link: string } | { kind: SourceEntry["kind"] };
const link = (target: string): Thing => ({ link: target });

/** A source in memory, with blob ids as git has them: the same for the same content. */
class MemoryTree implements SourceTree {
  readonly label = "blog@v1";
  readonly #things: Array<[string | Buffer, Thing]>;
  reads = 0;

  constructor(things: Array<[string | Buffer, Thing]> | Record<string, Thing>) {
    this.#things = Array.isArray(things) ? things : Object.entries(things);
  }

  async list(folder: string): Promise<SourceEntry[]> {
    const prefix = folder === "." ? "" : `${folder}/`;
    return this.#things.flatMap(([path, thing]) => {
      const bytes = Buffer.from(path);
      if (!bytes.subarray(0, prefix.length).equals(Buffer.from(prefix))) return [];
      const content = contentOf(thing);
      const kind = typeof thing === "string" ? "file" : "link" in thing ? "link" : thing.kind;
      return [
        {
          path: bytes.subarray(prefix.length),
          kind,
          size: Buffer.byteLength(content),
          oid: Buffer.from(`oid ${content}`),
        },
      ];
    });
  }

  async *read(entries: readonly SourceEntry[]) {
    for (const entry of entries) {
      this.reads++;
      yield { entry, content: chunks(entry.oid?.toString().slice(4) ?? "") };
    }
  }

  async checkout(): Promise<void> {}
}

function contentOf(thing: Thing): string {
  return typeof thing === "string" ? thing : "link" in thing ? thing.link : "";
}

async function* chunks(text: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  yield bytes.subarray(0, 1);
  yield bytes.subarray(1);
}

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
    ["nothing", {}, "SITE_EMPTY", "the root holds no file"],
    ["only hidden files", { ".a": "x", "steppe.yaml": "y" }, "SITE_EMPTY", "the root"],
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

  it("cannot multiply files without end", async () => {
    const things: Record<string, Thing> = { "f0/x": "x" };
    for (let index = 1; index < 30; index++) {
      things[`f${index}/a`] = link(`../f${index - 1}`);
      things[`f${index}/b`] = link(`../f${index - 1}`);
    }
    const entries = await new MemoryTree(things).list(".");
    const targets = new Map(entries.map((entry) => [entry, entry.oid?.subarray(4) ?? Buffer.alloc(0)]));
    expect(() => siteFiles(entries, { label: "blog@v1", isRoot: true, targets, mostFiles: 10_000 })).toThrow(
      "more than 10000 files",
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

async function readAll(tree: SourceTree, entries: SourceEntry[]): Promise<string> {
  let text = "";
  for await (const { content } of tree.read(entries))
    for await (const chunk of content) text += Buffer.from(chunk).toString();
  return text;
}

describe("a folder on disk", () => {
  it("is a source, whatever lies in it", async () => {
    const root = mkdtempSync(join(tmpdir(), "steppe-folder-"));
    try {
      const large = "x".repeat(3 * 1024 * 1024);
      mkdirSync(join(root, "public/sub/empty"), { recursive: true });
      mkdirSync(join(root, "public/.git"), { recursive: true });
      writeFileSync(join(root, "public/.git/config"), "secret");
      writeFileSync(join(root, "public/sub/large"), large);
      for (let index = 0; index < 60; index++) writeFileSync(join(root, `public/f${index}`), `${index}`);
      symlinkSync("sub", join(root, "public/link"));
      symlinkSync("public", join(root, "alias"));
      symlinkSync("/etc", join(root, "out"));
      const files = new MemoryFileStore();
      for (const folder of ["public", "alias", "./public/"]) {
        const tree = await bring(folderTree(root, "blog"), { files, folder });
        expect(tree).toHaveLength(62);
        expect(tree.find(({ path }) => path === "link/large")?.size).toBe(large.length);
        expect((await files.read(tree.find(({ path }) => path === "f7")?.hash ?? Buffer.alloc(0))).toString()).toBe(
          "7",
        );
      }
      for (const [folder, code] of [
        ["nothing", "FOLDER_MISSING"],
        ["public/f1", "FOLDER_MISSING"],
        ["out", "LINK_OUTSIDE"],
        ["..", "LINK_OUTSIDE"],
        ["public/sub/empty", "SITE_EMPTY"],
      ] as const) {
        await expect(bring(folderTree(root, "blog"), { folder })).rejects.toMatchObject({ code });
      }
      symlinkSync("../.git/config", join(root, "public/sub/git"));
      await expect(bring(folderTree(root, "blog"), { folder: "public" })).rejects.toMatchObject({
        code: "LINK_BROKEN",
      });
      rmSync(join(root, "public/sub/git"));
      execFileSync("mkfifo", [join(root, "public/pipe")]);
      await expect(bring(folderTree(root, "blog"), { folder: "public" })).rejects.toMatchObject({
        code: "FILE_UNSUPPORTED",
      });
      rmSync(join(root, "public/pipe"));
      writeFileSync(Buffer.concat([Buffer.from(join(root, "public/caf")), Buffer.of(0xe9)]), "x");
      await expect(bring(folderTree(root, "blog"), { folder: "public" })).rejects.toMatchObject({
        code: "PATH_NOT_UTF8",
      });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });

  it("does not let what changes meanwhile lead out", async () => {
    const root = mkdtempSync(join(tmpdir(), "steppe-folder-"));
    try {
      mkdirSync(join(root, "site/a"), { recursive: true });
      mkdirSync(join(root, "secret"));
      writeFileSync(join(root, "site/a/x"), "public");
      writeFileSync(join(root, "secret/x"), "secret");
      const tree = folderTree(join(root, "site"), "blog");
      symlinkSync("a/x", join(root, "site/link"));
      const entries = await tree.list(".");
      expect(await readAll(tree, entries)).toBe("publica/x");
      rmSync(join(root, "site/a"), { recursive: true });
      symlinkSync("../secret", join(root, "site/a"));
      await expect(readAll(tree, entries)).rejects.toMatchObject({ code: "FILE_UNSUPPORTED" });
      rmSync(join(root, "site/a"));
      mkdirSync(join(root, "site/a"));
      symlinkSync("../../secret/x", join(root, "site/a/x"));
      // and a link that became a file
      rmSync(join(root, "site/link"));
      writeFileSync(join(root, "site/link"), "x");
      await expect(readAll(tree, entries.slice(-1))).rejects.toMatchObject({ code: "FILE_UNSUPPORTED" });
      await expect(readAll(tree, entries)).rejects.toMatchObject({ code: "FILE_UNSUPPORTED" });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});

describe("names", () => {
  it("are hidden or not, whichever way one looks", () => {
    const names = fc.array(fc.constantFrom(".", "..", ".a", "a", ".well-known", "a.b"), { minLength: 1 });
    fc.assert(
      fc.property(names, (list) => {
        const expected = list.some((name) => name.startsWith(".") && name !== ".well-known");
        expect(hasHiddenName(Buffer.from(list.join("/")))).toBe(expected);
      }),
    );
  });

  it("are shown without what a terminal would obey", () => {
    expect(printablePath(Buffer.from("a\u001b[2J\nb é"))).toBe("a\\x1b[2J\\x0ab é");
    expect(printablePath(Buffer.of(0x61, 0xff, 0x5c))).toBe("a\\xff\\x5c");
    expect(printablePath(Buffer.alloc(500, "a"))).toHaveLength(201);
  });
});
