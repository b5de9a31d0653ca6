import type { Tree } from "./types.ts";

/** How large layers are to be. */
export interface LayerBounds {
  /** Bytes of a layer, on average and at most. */
  bytes: number;
  /** Files of a layer, on average and at most. */
  files: number;
  /** How many layers there may be; a power of two, at most 256. */
  most: number;
  /** A folder that alone has more than so many times a layer's average of bytes or files is spread over all layers. */
  spread: number;
}

const DATA_LAYERS: LayerBounds = { bytes: 16 * 1024 ** 2, files: 4096, most: 32, spread: 2 };

/**
 * Which layer each file goes to, as a number from 0. A pure function of the tree, whatever was deployed before:
 *
 * 1. The number of buckets is the smallest power of two, at most 32, with which a bucket has on average no more than 16 MiB
 *    and no more than 4,096 files, or what other bounds say. So a small site is one layer.
 * 2. A file's bucket is a hash (FNV-1a, 32 bits, folded) of its *folder*: what is changed together mostly lies together, so a local change
 *    touches few layers, and a new file moves no other file.
 * 3. The files of a folder that alone has more than twice a bucket's average of bytes or files, or what other bounds say, are spread by the hash of their own path.
 * 4. Buckets that got no file are left out; the others are numbered in order.
 *
 * The layers of an image are written down with it: a later version may plan otherwise, and old images stay as they are.
 */
export function planLayers(tree: Tree, bounds: LayerBounds = DATA_LAYERS): Uint8Array {
  const bytes = tree.reduce((sum, entry) => sum + entry.size, 0);
  const buckets = countBuckets(bytes, tree.length, bounds);
  const layers = new Uint8Array(tree.length);
  if (buckets === 1) return layers;
  const folders = weighFolders(tree);
  const [mostBytes, mostFiles] = [(bounds.spread * bytes) / buckets, (bounds.spread * tree.length) / buckets];
  const used = new Set<number>();
  tree.forEach(({ path }, i) => {
    const folder = folders.get(folderOf(path));
    const spread = folder === undefined || folder.bytes > mostBytes || folder.files > mostFiles;
    const bucket = (spread ? pathHash(path) : folder.hash) % buckets;
    layers[i] = bucket;
    used.add(bucket);
  });
  const numbers = new Map([...used].sort((a, b) => a - b).map((bucket, number) => [bucket, number]));
  return layers.map((bucket) => numbers.get(bucket) ?? 0);
}

function countBuckets(bytes: number, files: number, bounds: LayerBounds): number {
  let buckets = 1;
  while (buckets < bounds.most && (bytes > buckets * bounds.bytes || files > buckets * bounds.files)) buckets *= 2;
  return buckets;
}

interface Folder {
  hash: number;
  bytes: number;
  files: number;
}

function weighFolders(tree: Tree): Map<string, Folder> {
  const folders = new Map<string, Folder>();
  for (const { path, size } of tree) {
    const name = folderOf(path);
    let folder = folders.get(name);
    if (folder === undefined) folders.set(name, (folder = { hash: pathHash(name), bytes: 0, files: 0 }));
    folder.bytes += size;
    folder.files++;
  }
  return folders;
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** http://www.isthe.com/chongo/tech/comp/fnv/ over UTF-8, with the high half folded into the low one. */
function pathHash(path: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(path)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash ^ (hash >>> 16)) >>> 0;
}
