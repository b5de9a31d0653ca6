import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SiteIndex } from "./site-index.ts";
import { buildSiteIndex, type SiteIndexEntry } from "./site-index-builder.ts";

const options = { notFoundPage: "404.html", modifiedAt: 1_790_000_000 };
const hashOf = (text: string): Buffer => createHash("sha256").update(text).digest();
const find = (index: SiteIndex, path: string) => index.find(Buffer.from(path));

function entry(path: string, more: Partial<SiteIndexEntry> = {}): SiteIndexEntry {
  return { path, hash: hashOf(path), identity: { pack: "1.pack", offset: 5, size: 7 }, ...more };
}

const range = fc.record({
  pack: fc.constantFrom("1.pack", "2.pack", "a-b_3.pack"),
  offset: fc.maxSafeNat().map((n) => n % 2 ** 48),
  size: fc.maxSafeNat().map((n) => n % 2 ** 48),
});
const maybe = fc.option(range, { nil: undefined });
const name = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }).filter((text) => !/[/\0]|^\./.test(text));
const paths = fc.uniqueArray(
  fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/")),
  { maxLength: 60 },
);

describe("site index", () => {
  test("every file comes back as it was put in, and no other path does", () => {
    fc.assert(
      fc.property(paths, range, maybe, maybe, maybe, (all, identity, br, zstd, gzip) => {
        const served = all.filter((path) => !["steppe.yaml", "Dockerfile", "_headers", "_redirects"].includes(path));
        const index = SiteIndex.load(
          buildSiteIndex(
            served.map((path) => entry(path, { identity, br, zstd, gzip })),
            options,
          ),
        );
        expect(index.entryCount).toBe(served.length);
        for (const path of served) {
          const tag = hashOf(path).subarray(0, 16).toString("base64url");
          expect(find(index, path)).toMatchObject({ tag, identity, br, zstd, gzip });
        }
        for (const path of served) {
          if (!served.includes(`${path}x`)) expect(find(index, `${path}x`)).toBeUndefined();
        }
      }),
      { numRuns: 50 },
    );
  });

  test("a byte that changed anywhere is found", () => {
    const bytes = buildSiteIndex(
      [entry("index.html"), entry("a/b.css", { br: { pack: "2.pack", offset: 1, size: 2 } })],
      options,
    );
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      expect(() => SiteIndex.load(damaged), `byte ${at}`).toThrow(
        expect.objectContaining({ code: "CONTENT_CORRUPT" }) as Error,
      );
      expect(() => SiteIndex.load(bytes.subarray(0, at))).toThrow(
        expect.objectContaining({ code: "CONTENT_CORRUPT" }) as Error,
      );
    }
  });

  test("types, flags, the page for what does not exist", () => {
    const all = ["404.html", "index.html", "app.3f9a1c2b.js", "logo.svg", "x.unknown", "bücher/ä.txt"];
    const index = SiteIndex.load(
      buildSiteIndex(
        all.map((path) => entry(path)),
        options,
      ),
    );
    expect(index.modifiedAt).toBe(options.modifiedAt);
    expect(index.packs).toEqual(["1.pack"]);
    expect(index.notFoundPage).toEqual(find(index, "404.html"));
    expect(find(index, "app.3f9a1c2b.js")).toMatchObject({ immutable: true, keptInGrace: true });
    expect(find(index, "index.html")).toMatchObject({ immutable: false, keptInGrace: false });
    expect(find(index, "logo.svg")?.mediaType).toBe("image/svg+xml; charset=utf-8");
    expect(find(index, "x.unknown")?.mediaType).toBe("application/octet-stream");
    expect(find(index, "bücher/ä.txt")).toBeDefined();
    expect(find(index, "")).toBeUndefined();
  });

  test("what is not for visitors is not in it", () => {
    const hidden = [
      ".git/config",
      "a/.env",
      ".htaccess",
      ".well-known/.x",
      "steppe.yaml",
      "Dockerfile",
      "_headers",
      "_redirects",
    ];
    const shown = [
      ".well-known/security.txt",
      "docs/steppe.yaml",
      "docs/Dockerfile",
      "a/_headers",
      "a.b/c",
      "_redirects.html",
    ];
    const index = SiteIndex.load(
      buildSiteIndex(
        [...hidden, ...shown].map((path) => entry(path)),
        options,
      ),
    );
    for (const path of hidden) expect(find(index, path), path).toBeUndefined();
    for (const path of shown) expect(find(index, path), path).toBeDefined();
    expect(index.notFoundPage).toBeUndefined();
  });

  test("a path that comes twice, and a pack that leads elsewhere, are refused", () => {
    expect(() => buildSiteIndex([entry("a"), entry("a")], options)).toThrow("comes twice");
    const bytes = buildSiteIndex([entry("a", { identity: { pack: "../token", offset: 0, size: 1 } })], options);
    expect(() => SiteIndex.load(bytes)).toThrow("no file name");
  });

  test("30,000 files take some 100 bytes each", () => {
    const entries = Array.from({ length: 30_000 }, (_, i) => {
      const form = { pack: "1.pack", offset: i * 4096, size: 4096 };
      return entry(`std/collections/hash_map/struct.Entry${i}.html`, {
        identity: form,
        br: form,
        gzip: form,
        zstd: form,
      });
    });
    const bytes = buildSiteIndex(entries, options);
    expect(bytes.length / 30_000).toBeLessThan(140);
    const index = SiteIndex.load(bytes);
    expect(find(index, "std/collections/hash_map/struct.Entry29999.html")?.br?.offset).toBe(29_999 * 4096);
  });
});
