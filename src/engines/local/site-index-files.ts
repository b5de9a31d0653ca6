import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { readSiteIndexHead, type SiteIndexHead, type SiteRelease } from "../../ingress/snapshot/index.ts";
import { syncFolder, writeFileAtomic } from "../../shared/atomic-file.ts";
import { errno, SteppeError } from "../../shared/errors.ts";

/** How much of an image's digest goes into a file's name. */
const IMAGE_DIGITS = 12;

/** What names an index: an app may be removed and added again, and its releases counted anew. */
export interface IndexOwner {
  app: string;
  number: number;
  /** `sha256:…` */
  image: string;
}

/**
 * The site indexes on disk: `APP/NUMBER-IMAGE+CHECKSUM.site`. A name is never used for other bytes, so that the ingress knows by
 * the name alone whether it has an index already.
 */
export class SiteIndexFiles {
  readonly #folder: string;
  readonly #packFolder: string;
  /** By index file: the packs of those that were read, and found whole. A name is never used for other bytes. */
  readonly #known = new Map<string, readonly string[]>();

  constructor(folder: string, packFolder: string) {
    this.#folder = folder;
    this.#packFolder = packFolder;
  }

  /** The index of a release, if there is one that is whole and whose packs are all there. */
  find(owner: IndexOwner): SiteRelease | undefined {
    for (const file of this.namesOf(owner)) {
      const release = { release: owner.number, index: file };
      const packs = this.#packsOf(release);
      if (packs?.every((pack) => existsSync(join(this.#packFolder, pack)))) return release;
    }
    return undefined;
  }

  /** The names of a release's indexes: mostly one. */
  namesOf(owner: IndexOwner): string[] {
    const prefix = namePrefix(owner);
    const names = this.#names(owner.app).filter((name) => name.startsWith(prefix) && name.endsWith(".site"));
    return names.map((name) => `${owner.app}/${name}`);
  }

  /** The header of an index, by its name; undefined if it is not there, not whole, or of another version: it can always be made again. */
  load({ index }: SiteRelease): SiteIndexHead | undefined {
    const path = join(this.#folder, index);
    try {
      return readSiteIndexHead(readFileSync(path), path);
    } catch (error) {
      if (errno(error) === "ENOENT" || error instanceof SteppeError) return undefined;
      throw error;
    }
  }

  /** The packs of an index, or undefined if it is not there or not whole. */
  #packsOf(release: SiteRelease): readonly string[] | undefined {
    const known = this.#known.get(release.index);
    if (known !== undefined && existsSync(join(this.#folder, release.index))) return known;
    const packs = this.load(release)?.sources;
    if (packs === undefined) this.#known.delete(release.index);
    else this.#known.set(release.index, packs);
    return packs;
  }

  /** Makes an index durable, and says how it is called. One that is there as it should be is left: a collection looks at many. */
  write(owner: IndexOwner, bytes: Buffer): SiteRelease {
    const name = `${namePrefix(owner)}${crc32(bytes).toString(16).padStart(8, "0")}.site`;
    const folder = join(this.#folder, owner.app);
    if (mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) syncFolder(this.#folder);
    const path = join(folder, name);
    if (!existsSync(path) || !readFileSync(path).equals(bytes)) writeFileAtomic(path, bytes);
    return { release: owner.number, index: `${owner.app}/${name}` };
  }

  /** Removes the app's indexes but those that are named, and what a crash left of others. */
  keepOnly(app: string, kept: ReadonlySet<string>): void {
    for (const name of this.#names(app)) {
      if (!kept.has(`${app}/${name}`)) this.#remove(`${app}/${name}`);
    }
  }

  remove(releases: readonly SiteRelease[]): void {
    for (const { index } of releases) this.#remove(index);
  }

  removeApp(app: string): void {
    this.keepOnly(app, new Set());
    rmSync(join(this.#folder, app), { recursive: true, force: true });
  }

  /** The packs that any index on disk refers to. */
  packs(): Set<string> {
    const packs = new Set<string>();
    for (const app of readdirSync(this.#folder)) {
      for (const name of this.#names(app)) {
        for (const pack of this.#packsOf({ release: 0, index: `${app}/${name}` }) ?? []) packs.add(pack);
      }
    }
    return packs;
  }

  #remove(index: string): void {
    this.#known.delete(index);
    rmSync(join(this.#folder, index), { force: true });
  }

  #names(app: string): string[] {
    try {
      return readdirSync(join(this.#folder, app));
    } catch (error) {
      if (errno(error) === "ENOENT") return [];
      throw error;
    }
  }
}

function namePrefix({ number, image }: IndexOwner): string {
  return `${number}-${image.replace(/^sha256:/, "").slice(0, IMAGE_DIGITS)}`;
}
