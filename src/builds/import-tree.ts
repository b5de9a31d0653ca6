import type { FileBatch, FileStore, StoredFile, Tree, TreeEntry } from "../images/index.ts";
import { SteppeError, toSteppeError } from "../shared/errors.ts";
import { grouped } from "../shared/grouped.ts";
import { type SiteFile, siteFiles } from "./site-files.ts";
import type { FileSource, SourceEntry } from "./source-tree.ts";

/** Remembers which content a blob of an app's repository has; the store has it. */
export interface KnownFiles {
  /** The SHA-256 for each blob id, in the same order; undefined where it is not known, or the file store no longer has it. */
  lookup(app: string, oids: readonly Uint8Array[]): Array<Uint8Array | undefined>;
  /** Called when the contents are in the file store. */
  remember(app: string, known: Iterable<{ oid: Uint8Array; hash: Uint8Array }>): void;
}

export interface ImportRequest {
  tree: FileSource;
  /** The folder of the tree that is the site; `.` is the root. */
  folder: string;
  /** Whether the folder is a repository's root, where some names are for Steppe and not for visitors. Default: if it is `.`. */
  isRoot?: boolean;
  files: Pick<FileStore, "begin">;
  /** With the app whose repository it is: what is known is not read again. */
  knownFiles?: KnownFiles;
  app?: string;
  /** Told of each content that is known and so not read, and how it is read after all: for `files` that do not have it. */
  onKnown?(file: StoredFile, read: () => AsyncIterable<Uint8Array>): void;
  /** Says what is going on, for the person who waits. */
  progress(message: string): void;
  signal: AbortSignal;
}

/** Larger files are never held in memory. */
const SMALL = 1024 * 1024;

/**
 * Brings the files of a site into the file store, those that are not there yet, and says which they are.
 *
 * Throws FOLDER_MISSING, SITE_EMPTY, LINK_OUTSIDE, LINK_BROKEN, PATH_NOT_UTF8, PATH_TOO_LONG, FILE_UNSUPPORTED, DISK_FULL; the file store
 * is then as it was.
 */
export async function importTree(request: ImportRequest): Promise<Tree> {
  const { tree, folder, signal, progress } = request;
  const entries = await tree.list(folder);
  signal.throwIfAborted();
  const { isRoot = folder.split("/").every((name) => name === "" || name === ".") } = request;
  const targets = await readLinks(tree, entries);
  const site = siteFiles(entries, { label: tree.label, isRoot, targets });
  if (site.length === 0) {
    const where = isRoot ? "it" : `the folder \`${folder}\``;
    throw new SteppeError("SITE_EMPTY", {
      operation: "read",
      subject: tree.label,
      cause: `${where} holds no file for visitors`,
    });
  }
  const contents = new Contents(request);
  contents.lookUp(site);
  const added = await contents.readMissing(site);
  // Without what is known, all was read, new or not.
  const fresh = request.knownFiles === undefined ? "" : `, ${added === 0 ? "none" : count(added)} of them new`;
  progress(`${count(site.length, "file")}${fresh}`);
  return sortedTree(site, contents, tree.label);
}

/** What is known of the contents of a site's entries. */
class Contents {
  readonly #request: ImportRequest;
  /** By blob id where there is one, else by entry: what two paths or links share is read once. */
  readonly #known = new Map<string | SourceEntry, StoredFile>();

  constructor(request: ImportRequest) {
    this.#request = request;
  }

  of(entry: SourceEntry): StoredFile | undefined {
    return this.#known.get(keyOf(entry));
  }

  lookUp(site: readonly SiteFile[]): void {
    const { app, tree, knownFiles, onKnown } = this.#request;
    if (knownFiles === undefined || app === undefined) return;
    const oids = site.flatMap(({ entry }) => entry.oid ?? []);
    const hashes = knownFiles.lookup(app, oids);
    let index = 0;
    for (const { entry } of site) {
      if (entry.oid === null) continue;
      const hash = hashes[index++];
      if (hash === undefined) continue;
      const file = { hash: asBuffer(hash), size: entry.size };
      this.#known.set(keyOf(entry), file);
      onKnown?.(file, () => contentOf(tree, entry));
    }
  }

  /** Returns how many contents were read. */
  async readMissing(site: readonly SiteFile[]): Promise<number> {
    const { app, tree, files, knownFiles, signal, progress } = this.#request;
    const missing = new Map<string | SourceEntry, SourceEntry>();
    for (const { entry } of site) if (this.of(entry) === undefined) missing.set(keyOf(entry), entry);
    if (missing.size === 0) return 0;
    if (missing.size >= 5000) progress(`reading ${count(missing.size, "new file")}`);
    const batch = files.begin();
    try {
      for await (const { entry, content } of tree.read([...missing.values()])) {
        signal.throwIfAborted();
        this.#known.set(keyOf(entry), await addFile(batch, entry, content, tree.label));
      }
      await batch.commit();
    } catch (error) {
      await batch.abort();
      if (signal.aborted) throw error;
      throw toSteppeError(error, "read", tree.label);
    }
    if (app !== undefined) knownFiles?.remember(app, this.#learned(missing.values()));
    return missing.size;
  }

  *#learned(entries: Iterable<SourceEntry>): Generator<{ oid: Buffer; hash: Buffer }> {
    for (const entry of entries) {
      const stored = this.of(entry);
      if (entry.oid !== null && stored !== undefined) yield { oid: entry.oid, hash: stored.hash };
    }
  }
}

async function* contentOf(tree: FileSource, entry: SourceEntry): AsyncGenerator<Uint8Array, void, void> {
  for await (const { content } of tree.read([entry])) yield* content;
}

function keyOf(entry: SourceEntry): string | SourceEntry {
  return entry.oid?.toString("latin1") ?? entry;
}

async function addFile(
  batch: FileBatch,
  entry: SourceEntry,
  content: AsyncIterable<Uint8Array>,
  label: string,
): Promise<StoredFile> {
  if (entry.size > SMALL) return batch.addStream(content);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > entry.size) {
      const cause = `\`${entry.path.toString("utf8")}\` was changed while it was read`;
      throw new SteppeError("FILE_UNSUPPORTED", { operation: "read", subject: label, cause, hint: "Deploy it again." });
    }
    chunks.push(chunk);
  }
  const [only] = chunks;
  return batch.add(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size));
}

async function readLinks(tree: FileSource, entries: readonly SourceEntry[]): Promise<Map<SourceEntry, Buffer>> {
  const targets = new Map<SourceEntry, Buffer>();
  for await (const { entry, content } of tree.read(entries.filter(({ kind }) => kind === "link"))) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    targets.set(entry, Buffer.concat(chunks));
  }
  return targets;
}

function sortedTree(site: readonly SiteFile[], contents: Contents, label: string): Tree {
  const keyed = site.map(({ path, entry }) => ({ bytes: Buffer.from(path), path, entry }));
  // git lists in this order already, if there are no links
  const isSorted = keyed.every(({ bytes }, index) => index === 0 || (keyed[index - 1]?.bytes.compare(bytes) ?? 0) <= 0);
  if (!isSorted) keyed.sort((a, b) => a.bytes.compare(b.bytes));
  return keyed.map(({ path, bytes, entry }, index): TreeEntry => {
    const stored = contents.of(entry);
    if (stored === undefined) throw new Error(`${path} was not read`);
    if (index > 0 && keyed[index - 1]?.bytes.equals(bytes) === true) {
      const cause = `\`${path}\` is there twice`;
      throw new SteppeError("FILE_UNSUPPORTED", { operation: "read", subject: label, cause });
    }
    return { path, hash: stored.hash, size: stored.size };
  });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function count(number: number, what?: string): string {
  const text = grouped(number);
  return what === undefined ? text : `${text} ${what}${number === 1 ? "" : "s"}`;
}
