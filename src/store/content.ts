import type { Row, Store } from "./store.ts";

/** Bytes of a SHA-256. */
const HASH_BYTES = 32;
/** How many rows go to SQLite in one statement: few enough that its text or blob stays at some megabytes. */
const CHUNK_ROWS = 32_768;

/**
 * Turns one blob of concatenated hashes into rows `n(i)`, so that 30,000 look-ups are one statement. Measured: 1.5 µs
 * a hash; a statement for each takes 4 µs.
 */
const EACH_HASH = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)";
const HASH_OF_ROW = `substr(?1, i * ${HASH_BYTES} + 1, ${HASH_BYTES})`;

export interface PackRow {
  id: number;
  name: string;
  bytes: number;
}

/** Where bytes lie: the row of `packs`, and the place within the file. */
export interface Place {
  pack: number;
  offset: number;
  size: number;
}

export interface FilePlace {
  hash: Uint8Array;
  offset: number;
  size: number;
}

/** A compressed form; `place` is null if it was tried and saved too little. */
export interface EncodingPlace {
  hash: Uint8Array;
  encoder: string;
  place: { offset: number; size: number } | null;
}

export interface KnownEncoding {
  /** Which of the hashes that were asked for. */
  index: number;
  encoder: string;
  place: Place | null;
}

export interface ImageRow {
  digest: string;
  files: number;
  bytes: number;
  createdAt: number;
  /** ImageKind */
  kind: string;
  /** Of a site that was made elsewhere, the folder that it is. */
  site: string | null;
}

export interface LayerRow {
  digest: string;
  size: number;
}

/** How much of a pack is still named by a row. */
export interface PackUse extends PackRow {
  liveItems: number;
  liveBytes: number;
}

/** The SQL of packs, files, encodings, images and layers. What spans several statements is put into a transaction by the caller. */
export class ContentTables {
  readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  packs(): PackRow[] {
    return this.store.all("SELECT id, name, bytes FROM packs ORDER BY id").map(packRow);
  }

  addPack(name: string, bytes: number, createdAt: number): number {
    return this.store.run("INSERT INTO packs (name, bytes, created_at) VALUES (?, ?, ?)", name, bytes, createdAt)
      .lastId;
  }

  setPackBytes(pack: number, bytes: number): void {
    this.store.run("UPDATE packs SET bytes = ? WHERE id = ?", bytes, pack);
  }

  removePack(pack: number): void {
    this.store.run("DELETE FROM packs WHERE id = ?", pack);
  }

  /** Adds files of a pack; those that are known already keep their place. Returns how many were added. */
  addFiles(pack: number, files: readonly FilePlace[]): number {
    const sql = `INSERT INTO files (hash, pack, offset, size)
      SELECT unhex(value ->> 0), ?2, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`;
    // In the order of the primary key, each insert lands next to the one before: twice as fast as in any order.
    const rows = files
      .map(({ hash, offset, size }) => [Buffer.from(hash).toString("hex"), offset, size] as const)
      .sort((a, b) => (a[0] < b[0] ? -1 : 1));
    let added = 0;
    for (let at = 0; at < rows.length; at += CHUNK_ROWS) {
      added += this.store.run(sql, JSON.stringify(rows.slice(at, at + CHUNK_ROWS)), pack).changes;
    }
    this.store.run("DELETE FROM lost_files WHERE hash IN (SELECT hash FROM files)");
    return added;
  }

  file(hash: Uint8Array): Place | undefined {
    const row = this.store.get("SELECT pack, offset, size FROM files WHERE hash = ?", hash);
    return row === undefined ? undefined : place(row);
  }

  hasFile(hash: Uint8Array): boolean {
    return this.store.get("SELECT 1 FROM files WHERE hash = ?", hash) !== undefined;
  }

  /** The place of each file, in the order asked for. */
  findFiles(hashes: readonly Uint8Array[]): (Place | undefined)[] {
    const found: (Place | undefined)[] = Array.from({ length: hashes.length });
    const statement = this.store.prepare(
      `${EACH_HASH} SELECT n.i, f.pack, f.offset, f.size FROM n JOIN files f ON f.hash = ${HASH_OF_ROW}`,
    );
    statement.setReturnArrays(true);
    forEachChunk(hashes, (blob, count, start) => {
      for (const row of statement.all(blob, count) as unknown as Array<[number, number, number, number]>) {
        found[start + row[0]] = { pack: row[1], offset: row[2], size: row[3] };
      }
    });
    return found;
  }

  filesOfPack(pack: number): Array<FilePlace & { hash: Uint8Array }> {
    return this.store
      .all("SELECT hash, offset, size FROM files WHERE pack = ? ORDER BY offset", pack)
      .map((row) => ({ hash: bytes(row["hash"]), offset: Number(row["offset"]), size: Number(row["size"]) }));
  }

  encodingsOfPack(pack: number): Array<{ hash: Uint8Array; encoder: string; offset: number; size: number }> {
    return this.store
      .all("SELECT hash, encoder, offset, size FROM encodings WHERE pack = ? ORDER BY offset", pack)
      .map((row) => ({
        hash: bytes(row["hash"]),
        encoder: String(row["encoder"]),
        offset: Number(row["offset"]),
        size: Number(row["size"]),
      }));
  }

  /** Every encoding, kept or tried in vain, of the files. */
  findEncodings(hashes: readonly Uint8Array[]): KnownEncoding[] {
    const found: KnownEncoding[] = [];
    const statement = this.store.prepare(
      `${EACH_HASH} SELECT n.i, e.encoder, e.pack, e.offset, e.size FROM n JOIN encodings e ON e.hash = ${HASH_OF_ROW}`,
    );
    statement.setReturnArrays(true);
    forEachChunk(hashes, (blob, count, start) => {
      const rows = statement.all(blob, count) as unknown as Array<[number, string, number | null, number, number]>;
      for (const [index, encoder, pack, offset, size] of rows) {
        found.push({ index: start + index, encoder, place: pack === null ? null : { pack, offset, size } });
      }
    });
    return found;
  }

  /** Notes encodings. Those of files that have gone meanwhile are left out; one that is known is replaced. */
  addEncodings(pack: number | null, encodings: readonly EncodingPlace[]): number {
    const statement = this.store.prepare(
      `INSERT INTO encodings (hash, encoder, pack, offset, size)
       SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM files WHERE hash = ?1)
       ON CONFLICT DO UPDATE SET pack = excluded.pack, offset = excluded.offset, size = excluded.size`,
    );
    let added = 0;
    for (const { hash, encoder, place: at } of encodings) {
      const result = statement.run(hash, encoder, at === null ? null : pack, at?.offset ?? null, at?.size ?? null);
      added += Number(result.changes);
    }
    return added;
  }

  removeEncoding(hash: Uint8Array, encoder: string): void {
    this.store.run("DELETE FROM encodings WHERE hash = ? AND encoder = ?", hash, encoder);
  }

  /** Moves a file to another pack, if it still is where it was. */
  moveFile(hash: Uint8Array, from: number, to: number, offset: number): boolean {
    const sql = "UPDATE files SET pack = ?, offset = ? WHERE hash = ? AND pack = ?";
    return this.store.run(sql, to, offset, hash, from).changes > 0;
  }

  moveEncoding(hash: Uint8Array, encoder: string, from: number, to: number, offset: number): boolean {
    const sql = "UPDATE encodings SET pack = ?, offset = ? WHERE hash = ? AND encoder = ? AND pack = ?";
    return this.store.run(sql, to, offset, hash, encoder, from).changes > 0;
  }

  /** Notes files that cannot be read any more as lost, until they are added again, and forgets all that was derived from them. */
  loseFiles(hashes: readonly Uint8Array[]): void {
    for (const hash of hashes) {
      this.store.run("DELETE FROM files WHERE hash = ?", hash);
      this.store.run("INSERT OR IGNORE INTO lost_files VALUES (?)", hash);
    }
    this.#removeOrphans();
  }

  lostFiles(): Uint8Array[] {
    return this.store.all("SELECT hash FROM lost_files").map((row) => bytes(row["hash"]));
  }

  removeEncodingsOfPack(pack: number): void {
    this.store.run("DELETE FROM encodings WHERE pack = ?", pack);
  }

  /** Forgets what names files that are not there: their encodings, and which git blobs they were. */
  #removeOrphans(): void {
    this.store.run("DELETE FROM encodings WHERE hash NOT IN (SELECT hash FROM files)");
    this.store.run("DELETE FROM git_files WHERE hash NOT IN (SELECT hash FROM files)");
  }

  images(): ImageRow[] {
    return this.store.all("SELECT * FROM images ORDER BY digest").map(imageRow);
  }

  image(digest: string): ImageRow | undefined {
    const row = this.store.get("SELECT * FROM images WHERE digest = ?", digest);
    return row === undefined ? undefined : imageRow(row);
  }

  /** An image that is known keeps its time; the rest is as it is given. */
  addImage({ digest, files, bytes: total, createdAt, kind, site }: ImageRow): void {
    const sql = `INSERT INTO images (digest, files, bytes, created_at, kind, site) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET files = excluded.files, bytes = excluded.bytes, kind = excluded.kind, site = excluded.site`;
    this.store.run(sql, digest, files, total, createdAt, kind, site);
  }

  removeImage(digest: string): void {
    this.store.run("DELETE FROM images WHERE digest = ?", digest);
  }

  /** The layer that a listing of files makes, if it was computed before. */
  layer(listing: Uint8Array): LayerRow | undefined {
    const row = this.store.get("SELECT digest, size FROM layers WHERE listing = ?", listing);
    return row === undefined ? undefined : { digest: String(row["digest"]), size: Number(row["size"]) };
  }

  addLayer(listing: Uint8Array, { digest, size }: LayerRow): void {
    const sql = "INSERT INTO layers (listing, digest, size) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    this.store.run(sql, listing, digest, size);
  }

  /**
   * Begins to mark what is live. Marks lie in temporary tables, which SQLite spills to disk: a million
   * files take no memory of ours.
   */
  beginMarking(): void {
    this.store.database.exec(`
      CREATE TEMP TABLE IF NOT EXISTS live_files (hash BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
      CREATE TEMP TABLE IF NOT EXISTS live_layers (digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
      DELETE FROM temp.live_files;
      DELETE FROM temp.live_layers;
    `);
  }

  mark(hashes: readonly Uint8Array[], layers: readonly string[]): void {
    const statement = this.store.prepare(
      `${EACH_HASH} INSERT OR IGNORE INTO temp.live_files SELECT ${HASH_OF_ROW} FROM n`,
    );
    forEachChunk(hashes, (blob, count) => void statement.run(blob, count));
    for (const digest of layers) this.store.run("INSERT OR IGNORE INTO temp.live_layers VALUES (?)", digest);
  }

  /**
   * Forgets every file, layer and git blob that is not marked, and every encoding of such a file or of another encoder than
   * these. Returns how many files that were.
   */
  sweep(encoders: readonly string[]): number {
    const sql = "DELETE FROM files WHERE hash NOT IN (SELECT hash FROM temp.live_files)";
    const files = this.store.run(sql).changes;
    this.store.run("DELETE FROM lost_files WHERE hash NOT IN (SELECT hash FROM temp.live_files)");
    this.store.run("DELETE FROM layers WHERE digest NOT IN (SELECT digest FROM temp.live_layers)");
    const stale = "DELETE FROM encodings WHERE encoder NOT IN (SELECT value FROM json_each(?))";
    this.store.run(stale, JSON.stringify(encoders));
    this.#removeOrphans();
    return files;
  }

  endMarking(): void {
    this.store.database.exec("DELETE FROM temp.live_files; DELETE FROM temp.live_layers");
  }

  packUse(): PackUse[] {
    const uses = new Map(
      this.packs().map((pack): [number, PackUse] => [pack.id, { ...pack, liveItems: 0, liveBytes: 0 }]),
    );
    for (const table of ["files", "encodings"]) {
      const sql = `SELECT pack, count(*) AS items, sum(size) AS bytes FROM ${table} WHERE pack IS NOT NULL GROUP BY pack`;
      for (const row of this.store.all(sql)) {
        const use = uses.get(Number(row["pack"]));
        if (use === undefined) continue;
        use.liveItems += Number(row["items"]);
        use.liveBytes += Number(row["bytes"]);
      }
    }
    return [...uses.values()];
  }

  /** Packs that no row names any more. */
  unusedPacks(): PackRow[] {
    const sql = `SELECT id, name, bytes FROM packs p
      WHERE NOT EXISTS (SELECT 1 FROM files WHERE pack = p.id) AND NOT EXISTS (SELECT 1 FROM encodings WHERE pack = p.id)
      ORDER BY id`;
    return this.store.all(sql).map(packRow);
  }
}

function forEachChunk(
  hashes: readonly Uint8Array[],
  visit: (blob: Buffer, count: number, start: number) => void,
): void {
  for (let start = 0; start < hashes.length; start += CHUNK_ROWS) {
    const chunk = hashes.slice(start, start + CHUNK_ROWS);
    visit(Buffer.concat(chunk, chunk.length * HASH_BYTES), chunk.length, start);
  }
}

function packRow(row: Row): PackRow {
  return { id: Number(row["id"]), name: String(row["name"]), bytes: Number(row["bytes"]) };
}

function place(row: Row): Place {
  return { pack: Number(row["pack"]), offset: Number(row["offset"]), size: Number(row["size"]) };
}

function imageRow(row: Row): ImageRow {
  return {
    digest: String(row["digest"]),
    files: Number(row["files"]),
    bytes: Number(row["bytes"]),
    createdAt: Number(row["created_at"]),
    kind: String(row["kind"]),
    site: row["site"] === null ? null : String(row["site"]),
  };
}

function bytes(value: Row[string] | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError("a BLOB column holds no blob");
}
