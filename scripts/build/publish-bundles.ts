import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { errno } from "../../src/shared/errors.ts";

/** Chunks that an older build left are kept this long: a program that began before may still import them lazily. */
const CHUNKS_KEPT_MS = 24 * 3600 * 1000;
const LOCK = ".publishing";
const STAMP = ".stamp";

export interface PublishOptions {
  /** The folder that the bundler filled; on the same disk as `into`. */
  from: string;
  into: string;
  /** When the build began, before any source was read. */
  begin: Date;
  /** The content of `licenses.txt`. */
  licenses: string;
}

/**
 * Moves finished bundles to where they are run from, so that a program that starts meanwhile finds each file whole and
 * all that it imports: first the chunks, whose names are hashes of their content, then the entries, then the stamp.
 * Of builds that end at once, the one that began last remains.
 */
export function publishBundles({ from, into, begin, licenses }: PublishOptions): void {
  using _lock = acquireLock(join(into, LOCK));
  if (stampTime(into) > begin.getTime()) return;
  writeFileSync(join(from, "licenses.txt"), licenses);
  writeFileSync(join(from, STAMP), "");
  utimesSync(join(from, STAMP), begin, begin);
  const names = readdirSync(from);
  const order = (name: string): number => (name === STAMP ? 2 : isChunk(name) ? 0 : 1);
  for (const name of names.sort((a, b) => order(a) - order(b))) renameSync(join(from, name), join(into, name));
  removeOldChunks(into, new Set(names));
}

function isChunk(name: string): boolean {
  return name.startsWith("chunk-");
}

/** Milliseconds since 1970; 0 if nothing was built yet. */
function stampTime(into: string): number {
  return statSync(join(into, STAMP), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function removeOldChunks(into: string, current: ReadonlySet<string>): void {
  for (const name of readdirSync(into)) {
    const leftover = isChunk(name) || name.startsWith(".building-");
    if (!leftover || current.has(name)) continue;
    const age = Date.now() - (statSync(join(into, name), { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age > CHUNKS_KEPT_MS) rmSync(join(into, name), { recursive: true, force: true });
  }
}

/** A file that holds its owner's process id. It is held for milliseconds; that of a dead process is taken away. */
function acquireLock(path: string): Disposable {
  for (;;) {
    try {
      const fd = openSync(path, "wx");
      writeFileSync(fd, String(process.pid));
      closeSync(fd);
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    } catch (error) {
      if (errno(error) !== "EEXIST") throw error;
    }
    if (isAbandoned(path)) rmSync(path, { force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}

function isAbandoned(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  if (Date.now() - stat.mtimeMs > 10_000) return true;
  try {
    const pid = Number(readFileSync(path, "utf8"));
    if (pid > 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    return errno(error) === "ESRCH";
  }
}
