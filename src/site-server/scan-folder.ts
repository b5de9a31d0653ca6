import type { BigIntStats, Dirent } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { errno, SteppeError } from "../shared/errors.ts";

/** A file that was found in a folder. */
export interface ScannedFile {
  /** Relative to the folder, `/` between names. */
  path: string;
  /** Bytes. */
  size: number;
  /** Seconds since 1970. */
  modifiedAt: number;
  /** Names the content as far as the system tells: another content has another, whatever of the file has changed. */
  version: string;
}

/** What is in a folder that is served. */
export interface ScannedFolder {
  files: ScannedFile[];
  /** The text of `_headers`, of `_redirects`, if there are such files. */
  headers: Uint8Array | undefined;
  redirects: Uint8Array | undefined;
}

/** Bytes of `_headers` or `_redirects`. */
const MOST_RULES = 1 << 20;

/**
 * Lists the files of a folder, hidden ones left out unless asked for. Links are followed as long as they stay within it. What goes away meanwhile, or may
 * not be read, is passed over. Rejects with USAGE if there is no such folder.
 *
 * @param folder absolute
 */
export async function scanFolder(folder: string, hidden: boolean): Promise<ScannedFolder> {
  const files: ScannedFile[] = [];
  const root = await rootOf(folder);
  await scan({ root, at: root, path: "", hidden, files });
  const rules = (name: string): Promise<Uint8Array | undefined> => readRules(root, files, name);
  return { files, headers: await rules("_headers"), redirects: await rules("_redirects") };
}

interface Scanning {
  /** The folder that is served, without links in its path. */
  root: string;
  /** The folder that is listed. */
  at: string;
  /** Its path within the site: "" or with a slash at its end. */
  path: string;
  hidden: boolean;
  files: ScannedFile[];
}

async function scan(scanning: Scanning): Promise<void> {
  const { at, path, hidden } = scanning;
  const entries = await unlessGone(readdir(at, { withFileTypes: true }));
  for (const entry of entries ?? []) {
    const isHidden = entry.name.startsWith(".") && !(path === "" && entry.name === ".well-known");
    if (isHidden && !hidden) continue;
    if (entry.isDirectory()) await scan({ ...scanning, at: join(at, entry.name), path: `${path}${entry.name}/` });
    else if (entry.isSymbolicLink()) await follow(scanning, entry);
    else if (entry.isFile()) await add(scanning, join(at, entry.name), `${path}${entry.name}`);
  }
}

/** A link may lead to a file within the folder, or to a folder within it that it is not in itself: that would have no end. */
async function follow(scanning: Scanning, { name }: Dirent): Promise<void> {
  const { root, at, path } = scanning;
  const target = await unlessGone(realpath(join(at, name)));
  if (target === undefined || !isWithin(target, root)) return;
  const found = await unlessGone(stat(target));
  if (found?.isFile()) await add(scanning, target, `${path}${name}`);
  else if (found?.isDirectory() && !isWithin(at, target)) {
    await scan({ ...scanning, at: target, path: `${path}${name}/` });
  }
}

async function add({ files }: Scanning, at: string, path: string): Promise<void> {
  const found = await unlessGone(stat(at, { bigint: true }));
  if (found === undefined || !found.isFile()) return;
  const { size, mtimeNs, ctimeNs } = found;
  const modifiedAt = Number(mtimeNs / 1_000_000_000n);
  files.push({ path, size: Number(size), modifiedAt, version: `${contentVersion(found)}${ctimeNs}` });
}

function contentVersion({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} `;
}

/** Whether a file still has the content of a version: it may have got another mode or another link meanwhile. */
export function hasVersion(found: BigIntStats, version: string | undefined): boolean {
  return version?.startsWith(contentVersion(found)) === true;
}

async function rootOf(folder: string): Promise<string> {
  try {
    const root = await realpath(folder);
    if ((await stat(root)).isDirectory()) return root;
  } catch (error) {
    if (errno(error) !== "ENOENT" && errno(error) !== "ENOTDIR") throw error;
  }
  throw new SteppeError("USAGE", {
    operation: "serve",
    subject: folder,
    cause: "there is no such folder",
    hint: "Name the folder that the site is in: `steppe serve ./public`.",
  });
}

async function readRules(root: string, files: readonly ScannedFile[], name: string): Promise<Uint8Array | undefined> {
  const file = files.find(({ path }) => path === name);
  if (file === undefined) return undefined;
  if (file.size <= MOST_RULES) return await unlessGone(readFile(join(root, name)));
  throw new SteppeError("CONFIG_INVALID", {
    operation: "serve",
    subject: name,
    cause: `it has ${file.size} bytes, and may have ${MOST_RULES}`,
    hint: "Write fewer rules: with `*` and placeholders, one can stand for many.",
  });
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

/** What goes away while we look is not there. */
async function unlessGone<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP"].includes(errno(error) ?? "")) return undefined;
    throw error;
  }
}
