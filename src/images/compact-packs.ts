import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../shared/atomic-file.ts";
import type { Logger } from "../shared/log.ts";
import type { PackUse } from "../store/index.ts";
import { type PackItem, packBytes } from "./pack-format.ts";
import { PackWriter } from "./pack-writer.ts";
import type { PackedFileStore } from "./packed-file-store.ts";

const COPY_BYTES = 1024 * 1024;
/** A pack of which the copy would be smaller than this share of it is copied. */
const COPY_SHARE = 0.5;

/** Something that is live in an old pack, and where its copy lies in the new one. */
interface Moved extends PackItem {
  from: number;
}

/** Packs that are mostly dead, but not wholly: those go without copying. */
export function packsToCompact(packs: readonly PackUse[]): PackUse[] {
  return packs.filter(
    ({ bytes, liveItems, liveBytes }) => liveItems > 0 && packBytes(liveItems, liveBytes) < bytes * COPY_SHARE,
  );
}

/**
 * Copies what is live in these packs into a new one and moves the tables' rows over, in one transaction. The old packs
 * stay, with nothing in them that a row names, until `removePacks`. A file whose content is not what it was is left
 * where it is, and said. Returns the bytes of the new pack. Throws DISK_FULL; then all is as before.
 */
export async function compactPacks(files: PackedFileStore, packs: readonly PackUse[], log: Logger): Promise<number> {
  if (packs.length === 0) return 0;
  const writer = new PackWriter(files.packFolder);
  const moved: Moved[] = [];
  try {
    for (const pack of packs) await copyPack(files, pack, writer, moved, log);
  } catch (error) {
    await writer.discard();
    throw error;
  }
  if (moved.length === 0) {
    await writer.discard();
    return 0;
  }
  const finished = await writer.finish(moved);
  let needed = false;
  try {
    needed = files.registerMoved(finished, (to) => moveRows(files, moved, to));
  } finally {
    if (!needed) {
      await rm(join(files.packFolder, finished.name), { force: true });
      syncFolder(files.packFolder);
    }
  }
  return needed ? finished.bytes : 0;
}

async function copyPack(
  files: PackedFileStore,
  pack: PackUse,
  writer: PackWriter,
  moved: Moved[],
  log: Logger,
): Promise<void> {
  const items: PackItem[] = [
    ...files.tables.filesOfPack(pack.id).map((item) => ({ ...item, encoder: null })),
    ...files.tables.encodingsOfPack(pack.id),
  ];
  for (const item of items) {
    const offset = writer.position;
    if (await copyItem(files, pack.name, item, writer)) {
      moved.push({ ...item, offset, from: pack.id });
      continue;
    }
    await writer.rewind(offset);
    const hash = Buffer.from(item.hash).toString("hex");
    log.error({ pack: pack.name, hash }, "the content of a file has changed on the disk; it was left where it is");
  }
}

/** False if a file is not what its hash says; of a compressed form nobody can tell. */
async function copyItem(files: PackedFileStore, pack: string, item: PackItem, writer: PackWriter): Promise<boolean> {
  using open = files.packs.open(pack);
  const hashing = createHash("sha256");
  const buffer = Buffer.allocUnsafe(Math.min(item.size, COPY_BYTES));
  for (let done = 0; done < item.size;) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, item.size - done));
    await open.read(chunk, item.offset + done);
    hashing.update(chunk);
    await writer.append(chunk);
    done += chunk.length;
  }
  return item.encoder !== null || hashing.digest().equals(item.hash);
}

function moveRows(files: PackedFileStore, moved: readonly Moved[], to: number): number {
  let count = 0;
  for (const { hash, encoder, from, offset } of moved) {
    const done =
      encoder === null
        ? files.tables.moveFile(hash, from, to, offset)
        : files.tables.moveEncoding(hash, encoder, from, to, offset);
    if (done) count++;
  }
  return count;
}
