/** Where the files of a site are read. */
export interface FileSource {
  /** What to call it in messages: `blog@v2`. */
  readonly label: string;
  /** Every entry below `folder` (`.` is the root), in any order, paths relative to `folder`. */
  list(folder: string): Promise<SourceEntry[]>;
  /**
   * The contents of files that `list` named, each once, in whatever order suits the source. `content` must be read to its
   * end, or left, before the next is taken.
   */
  read(entries: readonly SourceEntry[]): AsyncIterable<{ entry: SourceEntry; content: AsyncIterable<Uint8Array> }>;
}

/**
 * What a build reads: a commit of a repository, or an uploaded folder. Stated here, by its user;
 * `sources/` and the API offer it.
 */
export interface SourceTree extends FileSource {
  /** Whether the root holds a file, or a link, of this name. Reads nothing else. */
  hasFile(name: string): Promise<boolean>;
  /** Writes the whole tree as plain files into an empty folder, for a build command. */
  checkout(into: string, signal: AbortSignal): Promise<void>;
}

export interface SourceEntry {
  /** The name as bytes, since git and disks allow names that are no UTF-8; relative, `/` between names. */
  path: Buffer;
  kind: "file" | "link" | "submodule" | "other";
  /** Bytes; of a link, of its target. */
  size: number;
  /** A name for the content that never changes meaning (a git blob id), if the source has one. */
  oid: Buffer | null;
}
