import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FormPlace, type SiteFileEntry, SiteIndexMaker } from "../../src/site-server/index.ts";

const PACK = "1.pack";
const PAGE_BYTES = 4096;

/**
 * Writes the indexes of so many sites to `FOLDER/sites`, as `site-N.test.site`, and one pack to `FOLDER/packs` that all of them share: pages with their three compressed
 * forms, assets whose names carry a hash with theirs.
 */
export function writeSites(
  folder: string,
  { sites, pages, assets }: { sites: number; pages: number; assets: number },
): void {
  const bytes: Buffer[] = [];
  const store = (seed: string, size: number): FormPlace => {
    const line = createHash("sha256").update(seed).digest("hex");
    const offset = bytes.length * PAGE_BYTES;
    bytes.push(Buffer.alloc(PAGE_BYTES, line));
    return { pack: PACK, offset, size };
  };
  const entry = (path: string): SiteFileEntry => ({
    path,
    hash: createHash("sha256").update(path).digest(),
    identity: store(path, PAGE_BYTES),
    br: store(`${path} br`, 1000),
    zstd: store(`${path} zstd`, 1200),
    gzip: store(`${path} gzip`, 1300),
  });
  const entries = [
    ...Array.from({ length: pages }, (_, page) => entry(`posts/2026/a-page-of-the-site-${page}.html`)),
    ...Array.from({ length: assets }, (_, asset) => {
      const hash = createHash("sha256").update(`asset ${asset}`).digest("hex").slice(0, 8);
      return entry(`assets/a-part-of-the-site-${asset}.${hash}.js`);
    }),
  ];
  writeFileSync(join(folder, "packs", PACK), Buffer.concat(bytes));
  for (let site = 0; site < sites; site++) {
    using maker = new SiteIndexMaker();
    for (const file of entries) maker.add(file);
    writeFileSync(join(folder, "sites", `site-${site}.test.site`), maker.finish(1_700_000_000 + site).index);
  }
}
