import type { Descriptor } from "./oci-manifest.ts";

/** One file of an image, below `/www`. */
export interface TreeEntry {
  /** Relative path with `/` between names, UTF-8, no `.`/`..`/empty names, at most 1,024 bytes. */
  path: string;
  /** SHA-256 of the content. */
  hash: Buffer;
  /** Bytes. */
  size: number;
}

/** All files of an image, sorted by the bytes of their paths, each path once. */
export type Tree = readonly TreeEntry[];

/** The compressed forms that are derived from a file. */
export type Encoding = "br" | "zstd" | "gzip";

/** Where bytes lie in the file store. Packs are immutable. */
export interface Location {
  /** The pack's file name in the folder of packs. */
  pack: string;
  offset: number;
  size: number;
}

/**
 * The content-addressed file store. Files are kept by SHA-256 in immutable packs: many small files cost
 * one fsync and no inodes, and a crash leaves either a whole pack or none.
 */
export interface FileStore {
  /** The folder in which the packs lie. */
  readonly packFolder: string;
  /** Opens a batch of new files. At most one is committed at a time; several may be open. */
  begin(): FileBatch;
  /** Where a file lies. */
  locate(hash: Uint8Array): Location | undefined;
  /** Where a compressed form lies; undefined if it was not made, or saved less than 5 %. */
  locateEncoding(hash: Uint8Array, encoding: Encoding): Location | undefined;
  /** A whole file. Throws CONTENT_CORRUPT if it is not there. */
  read(hash: Uint8Array): Promise<Buffer>;
}

/** New files on their way into the store. Nothing of it can be seen by others before `commit`. */
export interface FileBatch {
  /** Adds a small file. Content that the store or this batch has already is not written again. */
  add(content: Uint8Array): Promise<StoredFile>;
  /** Adds a file of any size, read once, in bounded memory. */
  addStream(content: AsyncIterable<Uint8Array>): Promise<StoredFile>;
  /** Makes all of it durable and visible, in one step. */
  commit(): Promise<void>;
  /** Leaves no trace. Does nothing after `commit`. */
  abort(): Promise<void>;
}

export interface StoredFile {
  hash: Buffer;
  size: number;
}

/** An image as the deployer knows it. */
export interface Image {
  /** `sha256:…` of the OCI manifest. */
  digest: string;
  /** Of the site; 0 of a program. */
  files: number;
  /** Of the site's files; of a program, of its blobs. */
  bytes: number;
}

/**
 * What an image is:
 * - `data`: files and nothing else; its layers are made from the file store when somebody asks.
 * - `site`: made elsewhere, by a Dockerfile or another machine, and its files below some folder are a site; all of its blobs are kept as well.
 * - `program`: made elsewhere, and no site: something to run. Its blobs are kept.
 */
export type ImageKind = "data" | "site" | "program";

/** What is known of an image that is kept. */
export interface ImageInfo extends Image {
  kind: ImageKind;
}

/** An image on its way in, from a registry, an archive or a layout: the exact bytes whose digest is the image's, and where its layers come from. */
export interface IncomingImage {
  manifest: Buffer;
  /** Of the manifest. */
  mediaType: string;
  /** The bytes that the manifest names. */
  config: Buffer;
  /** From the lowest to the uppermost, as the manifest has them. */
  layers: readonly IncomingLayer[];
}

export interface IncomingLayer {
  descriptor: Descriptor;
  /** The blob, from its begin; not asked for if it is here already. What it gives is checked by who takes it. */
  content(): AsyncIterable<Buffer>;
}

/** A layer that can be given away, as often as wanted. */
export interface OciLayer extends Descriptor {
  /** The blob, as a stream. Throws CONTENT_CORRUPT at its end if it is not what the digest says. */
  content(): AsyncGenerator<Buffer, void, void>;
}

/** All that an OCI registry or layout wants of an image, a blob at a time. */
export interface OciImage {
  digest: string;
  /** Of the manifest. */
  mediaType: string;
  manifest: Buffer;
  config: Buffer;
  configDigest: string;
  layers: OciLayer[];
}
