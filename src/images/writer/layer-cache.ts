import { readFileSync } from "node:fs";
import { errno } from "../../shared/errors.ts";
import { replaceFile } from "../../shared/replace-file.ts";
import { parseObject } from "../registry/json-document.ts";
import { isDigest } from "../registry/reference.ts";
import type { PackedLayer } from "./pack-layer.ts";

/** A layer, or null if what was listed came to no files. */
export type CachedLayer = PackedLayer | null;

const VERSION = 1;
/** Some 200 bytes each. A site has at most 64 layers. */
const MOST_LAYERS = 4096;
/** Repositories that were pushed to. */
const MOST_PUSHED = 256;
/** A file that is larger is not ours. */
const MOST_BYTES = 8 * 1024 ** 2;

/**
 * Remembers which layer a listing of paths and hashes made, so that a layer that a registry has already is not made again. It holds digests and
 * no contents, of the layers that were used last. Losing it costs time and nothing else, so it is not synced; one that cannot be read is empty.
 */
export class LayerCache {
  readonly #file: string;
  readonly #layers: Map<string, CachedLayer>;
  /** By repository, the digest of what was pushed there last. */
  readonly #pushed: Map<string, string>;
  #isChanged = false;

  constructor(file: string) {
    this.#file = file;
    const document = readDocument(file);
    this.#layers = layersOf(document);
    this.#pushed = pushedOf(document);
  }

  get(key: string): CachedLayer | undefined {
    const layer = this.#layers.get(key);
    if (layer !== undefined) this.#touch(key, layer);
    return layer;
  }

  set(key: string, layer: CachedLayer): void {
    this.#touch(key, layer);
    this.#isChanged = true;
  }

  /** For a layer that was not what it should be. */
  forget(key: string): void {
    this.#isChanged = this.#layers.delete(key) || this.#isChanged;
  }

  /** What was pushed last to a repository, `registry.example.com/team/site`. */
  lastPushed(repository: string): string | undefined {
    return this.#pushed.get(repository);
  }

  setPushed(repository: string, digest: string): void {
    if (this.#pushed.get(repository) === digest) return;
    this.#pushed.delete(repository);
    this.#pushed.set(repository, digest);
    this.#isChanged = true;
  }

  /** Writes it down, if there is something new. Throws what the file system throws. */
  save(): void {
    if (!this.#isChanged) return;
    const rows = [...this.#layers].slice(-MOST_LAYERS);
    const layers = rows.map(([key, layer]) => (layer === null ? [key] : [key, layer.digest, layer.size, layer.diffId]));
    const pushed = [...this.#pushed].slice(-MOST_PUSHED);
    replaceFile(this.#file, JSON.stringify({ version: VERSION, layers, pushed }));
    this.#isChanged = false;
  }

  /** The one that was used last comes last. */
  #touch(key: string, layer: CachedLayer): void {
    this.#layers.delete(key);
    this.#layers.set(key, layer);
  }
}

/** Undefined if there is none, or none of this version. */
function readDocument(file: string): Record<string, unknown> | undefined {
  const document = parseObject(content(file));
  return document?.["version"] === VERSION ? document : undefined;
}

function layersOf(document: Record<string, unknown> | undefined): Map<string, CachedLayer> {
  const layers = new Map<string, CachedLayer>();
  for (const [key, digest, size, diffId] of rowsOf(document?.["layers"])) {
    if (typeof key !== "string") continue;
    if (digest === undefined) layers.set(key, null);
    else if (isName(digest) && isName(diffId) && Number.isSafeInteger(size)) {
      layers.set(key, { digest, size: Number(size), diffId });
    }
  }
  return layers;
}

function pushedOf(document: Record<string, unknown> | undefined): Map<string, string> {
  const pairs = rowsOf(document?.["pushed"]).map(([name, digest]) => [name, digest] as const);
  return new Map(pairs.filter((pair): pair is [string, string] => typeof pair[0] === "string" && isName(pair[1])));
}

function rowsOf(value: unknown): unknown[][] {
  return Array.isArray(value) ? value.filter((row): row is unknown[] => Array.isArray(row)) : [];
}

function content(file: string): Buffer {
  try {
    const bytes = readFileSync(file);
    return bytes.length > MOST_BYTES ? Buffer.alloc(0) : bytes;
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return Buffer.alloc(0); // there is none yet, or none that we may read: then all layers are made
  }
}

function isName(value: unknown): value is string {
  return typeof value === "string" && isDigest(value);
}
