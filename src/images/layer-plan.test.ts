import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planLayers } from "./layer-plan.ts";
import type { TreeEntry } from "./types.ts";

const entry = (path: string, size = 4096): TreeEntry => ({ path, size, hash: Buffer.alloc(32) });
const site = (folders: number, perFolder: number, size = 4096): TreeEntry[] =>
  Array.from({ length: folders * perFolder }, (_, i) => entry(`d${Math.floor(i / perFolder)}/f${i}.html`, size));
const count = (tree: TreeEntry[]): number => new Set(planLayers(tree)).size;

describe("layers", () => {
  test("are one for a small site, and never more than 32", () => {
    expect(count(site(10, 10))).toBe(1);
    expect(count(site(300, 100))).toBe(8);
    expect(count(site(1000, 10, 100_000))).toBe(32);
    expect(count([entry("one", 2 ** 31)])).toBe(1);
  });

  test("keep a folder together", () => {
    const tree = site(300, 100);
    const layers = planLayers(tree);
    for (let folder = 0; folder < 300; folder++) {
      expect(new Set(layers.subarray(folder * 100, (folder + 1) * 100)).size).toBe(1);
    }
  });

  test("of a folder that holds nearly all are spread by file, about evenly", () => {
    const layers = planLayers(site(1, 30_000));
    const sizes = Array.from({ length: 8 }, (_, layer) => layers.filter((other) => other === layer).length);
    for (const size of sizes) expect(size).toBeGreaterThan(2500);
  });

  test("of folders that are larger than others are spread sooner, if bounds say so", () => {
    const bounds = { bytes: 512 * 1024, files: 512, most: 32 };
    const layersOf = (folders: number, spread: number): number =>
      new Set(planLayers(site(folders, 1000 / folders, 10_240), { ...bounds, spread })).size;
    // 1.6 of a layer each; then 0.8.
    expect([layersOf(20, 2), layersOf(20, 1.5)]).toEqual([expect.any(Number), 32]);
    expect(layersOf(20, 2)).toBeLessThanOrEqual(20);
    expect(layersOf(40, 1.5)).toBe(layersOf(40, 2));
  });

  test("do not move when a file comes, goes or changes", () => {
    const tree = site(300, 100);
    const layers = planLayers(tree);
    const before = new Map(tree.map(({ path }, i) => [path, layers[i]]));
    const after = [...tree.slice(0, 7), ...tree.slice(9), entry("d5/new.html", 1), entry("new/one.html")];
    const moved = planLayers(after);
    expect(after.filter(({ path }, i) => before.has(path) && moved[i] !== before.get(path))).toEqual([]);
  });

  test("depend on nothing but the files", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.nat(2 ** 24))), (files) => {
        const tree = files.map(([path, size]) => entry(path, size));
        const layers = planLayers(tree);
        const reversed = planLayers(tree.toReversed()).toReversed();
        expect(reversed).toEqual(layers);
        expect(Math.max(0, ...layers)).toBe(Math.max(0, new Set(layers).size - 1));
      }),
    );
  });
});
