import type { Row, Store } from "./store.ts";

/** A blob of an image that was made elsewhere. */
export interface BlobRow {
  digest: string;
  mediaType: string;
  size: number;
}

/** The SQL of the blobs of images, and of layers that were compressed here. */
export class ImageBlobTable {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Names the blobs of an image, whose row is there. */
  add(image: string, blobs: readonly BlobRow[]): void {
    const statement = this.#store.prepare("INSERT OR IGNORE INTO image_blobs VALUES (?, ?, ?, ?)");
    for (const { digest, mediaType, size } of blobs) statement.run(image, digest, mediaType, size);
  }

  of(image: string): BlobRow[] {
    const sql = "SELECT digest, media_type, size FROM image_blobs WHERE image = ? ORDER BY digest";
    return this.#store.all(sql, image).map(blobRow);
  }

  /** The manifests of all images that have blobs. */
  manifests(): BlobRow[] {
    const sql = "SELECT digest, media_type, size FROM image_blobs WHERE image = digest ORDER BY digest";
    return this.#store.all(sql).map(blobRow);
  }

  /** Every blob that an image names, each once. */
  named(): BlobRow[] {
    const sql =
      "SELECT digest, min(media_type) AS media_type, size FROM image_blobs GROUP BY digest, size ORDER BY digest";
    return this.#store.all(sql).map(blobRow);
  }

  /** The images that name a blob. */
  imagesWith(digest: string): string[] {
    const sql = "SELECT image FROM image_blobs WHERE digest = ? ORDER BY image";
    return this.#store.all(sql, digest).map((row) => String(row["image"]));
  }

  /** What a layer with this diff id became when it was compressed. */
  compressed(diffId: string, encoder: string): { digest: string; size: number } | undefined {
    const sql = "SELECT digest, size FROM compressed_layers WHERE diff_id = ? AND encoder = ?";
    const row = this.#store.get(sql, diffId, encoder);
    return row === undefined ? undefined : { digest: String(row["digest"]), size: Number(row["size"]) };
  }

  addCompressed(diffId: string, encoder: string, { digest, size }: { digest: string; size: number }): void {
    this.#store.run("INSERT OR REPLACE INTO compressed_layers VALUES (?, ?, ?, ?)", diffId, encoder, digest, size);
  }

  /** Forgets compressed layers that are a blob of no image. */
  forgetCompressed(): void {
    this.#store.run("DELETE FROM compressed_layers WHERE digest NOT IN (SELECT digest FROM image_blobs)");
  }
}

function blobRow(row: Row): BlobRow {
  return { digest: String(row["digest"]), mediaType: String(row["media_type"]), size: Number(row["size"]) };
}
