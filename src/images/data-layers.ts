import { hash as digestOf } from "node:crypto";
import { SteppeError } from "../shared/errors.ts";
import type { LayerRow } from "../store/index.ts";
import { digestLayer, type LayerFile, layerContent, verified } from "./layer-content.ts";
import type { Descriptor } from "./oci-manifest.ts";
import type { PackedFileStore } from "./packed-file-store.ts";
import type { OciLayer, Tree, TreeEntry } from "./types.ts";

/** Part of the key of a layer: what is known of layers is void when the form of the archive changes. */
const LAYER_VERSION = "layer@1";

/** The layers of data images: made from the file store as often as somebody asks, and computed once. */
export class DataLayers {
  readonly #files: PackedFileStore;

  constructor(files: PackedFileStore) {
    this.#files = files;
  }

  /**
   * The digest and size of each layer.
   *
   * @param layers the layer of each file, see `planLayers`
   * Throws CONTENT_CORRUPT if a file is not in the store.
   */
  async describe(tree: Tree, layers: Uint8Array): Promise<LayerRow[]> {
    const rows: LayerRow[] = [];
    for (const entries of groupByLayer(tree, layers)) rows.push(await this.#describe(entries));
    return rows;
  }

  /** The layers as a registry is to be given them. */
  open(tree: Tree, layers: Uint8Array, descriptors: readonly Descriptor[]): OciLayer[] {
    const groups = groupByLayer(tree, layers);
    return descriptors.map((layer, i) => ({ ...layer, content: () => this.#content(layer, groups[i] ?? []) }));
  }

  async #describe(entries: readonly TreeEntry[]): Promise<LayerRow> {
    const { tables, packs } = this.#files;
    const listing = listingHash(entries);
    const files = this.#locate(entries);
    const known = tables.layer(listing);
    if (known !== undefined) return known;
    const layer = await digestLayer(files, packs);
    tables.addLayer(listing, layer);
    return layer;
  }

  /** Garbage collection waits: it would move files that are being read to other packs. */
  async *#content(layer: LayerRow, entries: readonly TreeEntry[]): AsyncGenerator<Buffer, void, void> {
    using _ = this.#files.hold();
    yield* verified(layerContent(this.#locate(entries), this.#files.packs), layer);
  }

  #locate(entries: readonly TreeEntry[]): LayerFile[] {
    const locations = this.#files.locateMany(entries.map((entry) => entry.hash));
    return entries.map(({ path, size, hash }, i) => {
      const location = locations[i];
      if (location?.size === size) return { path, location };
      const cause =
        location === undefined
          ? `its content ${hash.toString("hex")} is not in the file store`
          : `it has ${location.size} bytes instead of ${size}`;
      throw new SteppeError("CONTENT_CORRUPT", { operation: "read", subject: path, cause });
    });
  }
}

function groupByLayer(tree: Tree, layers: Uint8Array): TreeEntry[][] {
  const groups: TreeEntry[][] = [];
  tree.forEach((entry, i) => {
    const group = (groups[layers[i] ?? 0] ??= []);
    group.push(entry);
  });
  return groups;
}

/** Names what a layer holds. Paths have no zeros and hashes have one length, so no two listings look alike. */
function listingHash(entries: readonly TreeEntry[]): Buffer {
  const paths = Buffer.from(`${LAYER_VERSION}\0${entries.map((entry) => entry.path).join("\0")}\0\0`);
  return digestOf("sha256", Buffer.concat([paths, ...entries.map((entry) => entry.hash)]), "buffer");
}
