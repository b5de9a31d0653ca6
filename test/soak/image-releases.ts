import { createCipheriv, createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { takeImage } from "../../src/builds/index.ts";
import {
  collectGarbage,
  type ImageStore,
  type IncomingImage,
  json,
  MEDIA_TYPES,
  openFileStore,
  openImageStore,
  sha256Digest,
  STATIC_BASE,
  TAR_END,
  tarHeader,
  tarPadding,
} from "../../src/images/index.ts";
import { writeFileAtomic } from "../../src/shared/atomic-file.ts";
import { systemClock } from "../../src/shared/clock.ts";
import { silentLogger } from "../../src/shared/log.ts";
import { Store } from "../../src/store/index.ts";

/** So many releases are kept, as the deployer does by default. */
export const KEPT = 10;
const MEGABYTE = 1_000_000;
/** A base changes once in so many releases. */
const BASE_AGE = 25;

/** The images of a data folder, and which of them are released. */
export interface ReleasedImages extends Disposable {
  images: ImageStore;
  store: Store;
  /** Of all releases so far, the image of each; the last `KEPT` are kept. */
  releases: string[];
}

/** Opens the data folder as control does, after whatever end it came to. */
export function openReleasedImages(folder: string): ReleasedImages {
  const place = (name: string): string => join(folder, name);
  for (const name of ["packs", "images", "oci"]) mkdirSync(place(name), { recursive: true });
  const store = Store.open(place("steppe.db"));
  const files = openFileStore({ folder: place("packs"), store, log: silentLogger, clock: systemClock });
  const options = { folder: place("images"), layout: place("oci"), files, log: silentLogger, clock: systemClock };
  return {
    images: openImageStore(options),
    store,
    releases: existsSync(place("releases")) ? (JSON.parse(readFileSync(place("releases"), "utf8")) as string[]) : [],
    [Symbol.dispose]: () => {
      files.close();
      store.close();
    },
  };
}

/** Takes one more image of 50 MB, releases it, and collects what is not kept any more. */
export async function releaseNext(folder: string, released: ReleasedImages): Promise<void> {
  const { images, releases } = released;
  {
    using _ = images.files.hold();
    const signal = new AbortController().signal;
    const options = { images, site: null, signal, progress: () => {} };
    const { digest } = await takeImage(imageOf(releases.length), { ...options, label: `v${releases.length}` });
    releases.push(digest);
    writeFileAtomic(join(folder, "releases"), JSON.stringify(releases));
  }
  const keepImages = (): Set<string> => new Set(releases.slice(-KEPT));
  await collectGarbage(images, { keepImages, beforeRemoval: async () => {}, log: silentLogger });
}

/** The image of a release: the same each time, and all of it incompressible: 30 MB of a base, 20 MB that are new in each release. */
export function imageOf(release: number): IncomingImage {
  const base = Math.floor(release / BASE_AGE);
  const layers = [
    layer({ "lib/base": content(`base ${base}`, 20), "www/assets/shared.bin": content(`assets ${base}`, 10) }),
    layer({
      "www/index.html": Buffer.from(pageOf(release)),
      "www/large.bin": content(`large ${release}`, 15),
      ...pages(release),
    }),
  ];
  const blobs = layers.map((bytes) => zstdCompressSync(bytes));
  const described = blobs.map((bytes) => ({
    mediaType: `${MEDIA_TYPES.layer}+zstd`,
    digest: sha256Digest(bytes),
    size: bytes.length,
  }));
  const config = json({
    architecture: "amd64",
    os: "linux",
    config: { Entrypoint: [STATIC_BASE.entrypoint], Labels: { [STATIC_BASE.label]: STATIC_BASE.folder } },
    rootfs: { type: "layers", diff_ids: layers.map(sha256Digest) },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: { mediaType: MEDIA_TYPES.config, digest: sha256Digest(config), size: config.length },
    layers: described,
  });
  return {
    manifest,
    mediaType: MEDIA_TYPES.manifest,
    config,
    layers: described.map((descriptor, i) => ({ descriptor, content: () => inPieces(blobs[i] ?? Buffer.alloc(0)) })),
  };
}

/** What `/` of a release's site answers. */
export function pageOf(release: number): string {
  return `<!doctype html><title>release ${release}</title>\n`;
}

/** What the last `kept` images of `count` need of the disk, bytes: their blobs, each once, and their files, each once. */
export function neededBytes(count: number, kept: number): { blobs: number; files: number } {
  const [blobs, files] = [new Map<string, number>(), new Map<string, number>()];
  for (let release = Math.max(0, count - kept); release < count; release++) {
    for (const { descriptor } of imageOf(release).layers) blobs.set(descriptor.digest, descriptor.size);
    files.set(`release ${release}`, 20 * MEGABYTE);
    files.set(`base ${Math.floor(release / BASE_AGE)}`, 10 * MEGABYTE);
  }
  const sum = (sizes: Map<string, number>): number => [...sizes.values()].reduce((total, size) => total + size, 0);
  return { blobs: sum(blobs), files: sum(files) };
}

/** Fifty files of 100 kB, of which half stay as they were. */
function pages(release: number): Record<string, Buffer> {
  const names = Array.from(
    { length: 50 },
    (_, i) => [`www/page-${i}.html`, content(`${i % 2 === 0 ? 0 : release} ${i}`, 0.1)] as const,
  );
  return Object.fromEntries(names);
}

/** Bytes that look random and are the same for the same seed. */
function content(seed: string, megabytes: number): Buffer {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(megabytes * MEGABYTE));
}

function layer(files: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(files).flatMap(([path, bytes]) => [
    tarHeader(path, bytes.length),
    bytes,
    Buffer.alloc(tarPadding(bytes.length)),
  ]);
  return Buffer.concat([...parts, TAR_END]);
}

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
