import { describe, expect, test } from "vitest";
import { MergedTree, type TreeBounds } from "./merged-tree.ts";
import type { TarEntry } from "./tar-reader.ts";

const MANY: TreeBounds = { entries: 10_000, pathBytes: 1024 ** 2, steps: 100_000 };

const entry = (kind: TarEntry["kind"], name: string, target = ""): TarEntry => ({
  name: Buffer.from(name),
  kind,
  target: Buffer.from(target),
  size: 0,
  offset: 0,
});

function apply(tree: MergedTree, entries: Iterable<TarEntry>): number {
  let applied = 0;
  for (const one of entries) tree.apply(one, 0, applied++);
  return applied;
}

function* times(count: number, make: (i: number) => TarEntry): Generator<TarEntry> {
  for (let i = 0; i < count; i++) yield make(i);
}

describe("layers that ask for more than they hold", () => {
  test("folders that are there because something lies in them count", () => {
    const tree = new MergedTree("a bomb", MANY);
    const deep = (i: number): TarEntry => entry("file", `${i}/${"f/".repeat(90)}x`);
    expect(() => apply(tree, times(200, deep))).toThrow("too many entries");
    expect(() => apply(new MergedTree("a tree"), times(200, deep))).not.toThrow();
  });

  test("a path deeper than folders may be is refused before they are made", () => {
    const tree = new MergedTree("a bomb");
    expect(() => tree.apply(entry("file", `${"f/".repeat(1100)}x`), 0, 0)).toThrow("more than 1000 folders");
  });

  test("long paths, and what long links lead to", () => {
    const named = (i: number): TarEntry => entry("file", `${i}-${"n".repeat(3000)}`);
    expect(() => apply(new MergedTree("a bomb", MANY), times(400, named))).toThrow("paths in its layers are too long");
    const linked = (i: number): TarEntry => entry("link", String(i), "t".repeat(3000));
    expect(() => apply(new MergedTree("a bomb", MANY), times(400, linked))).toThrow("paths in its layers are too long");
  });

  test("short paths that lead through a link into a deep folder", () => {
    const tree = new MergedTree("a bomb", { ...MANY, steps: 10_000_000 });
    const folder = "folder/".repeat(500);
    apply(tree, [entry("folder", folder), entry("link", "s", folder)]);
    expect(
      apply(
        tree,
        times(1000, (i) => entry("file", `s/${i}`)),
      ),
    ).toBe(1000);
    expect(() => tree.list("/")).toThrow("paths in its layers are too long");
  });

  test("whiteouts that pass over a large folder again and again", () => {
    const tree = new MergedTree("a bomb", MANY);
    apply(
      tree,
      times(1000, (i) => entry("file", `folder/${i}`)),
    );
    const opaque = (): TarEntry => entry("file", "folder/.wh..wh..opq");
    expect(() => apply(tree, times(1000, opaque))).toThrow("too many links and folders over each other");
  });

  test("links that go to and fro", () => {
    const tree = new MergedTree("a bomb", MANY);
    apply(tree, [entry("folder", "x"), entry("link", "l0", "x")]);
    apply(
      tree,
      times(30, (i) => entry("link", `l${i + 1}`, `${"x/../".repeat(100)}l${i}`)),
    );
    expect(() =>
      apply(
        tree,
        times(1000, (i) => entry("file", `l30/${i}`)),
      ),
    ).toThrow("too many links and folders");
  });
});
