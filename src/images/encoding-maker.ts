import { setImmediate } from "node:timers/promises";
import { SteppeError } from "../shared/errors.ts";
import { SerialQueue } from "../shared/serial-queue.ts";
import { DEFAULT_WORKERS, EncodeThread } from "./encode-pool.ts";
import type { EncodeResult } from "./encode-worker.ts";
import { type Encoder, encoderForm, encoderNamed, encodersFor, isCompressible } from "./encoders.ts";
import { EncodingBatch } from "./encoding-batch.ts";
import type { PackedFileStore } from "./packed-file-store.ts";
import type { Tree } from "./types.ts";

/** A job is large enough that messages cost nothing, and small enough that a cancelled one ends soon. */
const JOB_BYTES = 512 * 1024;
const JOB_FILES = 64;
/** A batch is made durable when it has so much: what a crash makes us do again. */
const BATCH_BYTES = 16 * 1024 ** 2;
const BATCH_FORMS = 8192;
/** Contents that are looked up in one go; in between, others run. */
const LOOKED_UP_AT_ONCE = 1024;

export interface EncodingReport {
  /** Files that were compressed now. */
  files: number;
  /** Forms that were kept. */
  forms: number;
  /** Their bytes. */
  bytes: number;
}

interface Work {
  hash: Buffer;
  size: number;
  encoders: Array<{ name: string; replaced: string[] }>;
}

/**
 * Makes the compressed forms of a tree's files that are not known yet, on worker threads of low priority that live as long as
 * there is something to do. One tree at a time; others wait. Memory: a job a thread, and a pack writer.
 */
export class EncodingMaker {
  readonly #files: PackedFileStore;
  readonly #threads: number;
  readonly #order = new SerialQueue();

  constructor(files: PackedFileStore, threads = DEFAULT_WORKERS) {
    this.#files = files;
    this.#threads = threads;
  }

  /**
   * Resolves when every form that is worth it can be located. When the signal aborts, what is finished is kept, and it rejects
   * with the signal's reason. Throws DISK_FULL, CONTENT_CORRUPT; what was committed before stays.
   */
  make(tree: Tree, signal: AbortSignal): Promise<EncodingReport> {
    return this.#order.run(async () => {
      signal.throwIfAborted();
      const run = new EncodingRun(this.#files, await findWork(this.#files, tree), signal);
      await run.work(this.#threads);
      signal.throwIfAborted();
      return run.report;
    });
  }
}

/** What is to be done for one tree, and how far it is. */
class EncodingRun {
  readonly report: EncodingReport = { files: 0, forms: 0, bytes: 0 };
  readonly #files: PackedFileStore;
  readonly #jobs: Generator<Work[], void, void>;
  readonly #signal: AbortSignal;
  readonly #order = new SerialQueue();
  #batch: EncodingBatch;
  #failure: unknown;

  constructor(files: PackedFileStore, work: readonly Work[], signal: AbortSignal) {
    this.#files = files;
    this.#jobs = jobsOf(work);
    this.#signal = signal;
    this.#batch = new EncodingBatch(files);
  }

  async work(threads: number): Promise<void> {
    await Promise.all(Array.from({ length: threads }, () => this.#thread()));
    if (this.#failure === undefined) {
      await this.#batch.commit();
      return;
    }
    await this.#batch.discard();
    throw this.#failure;
  }

  /** Takes job after job, until there is none, or somebody failed. */
  async #thread(): Promise<void> {
    await using thread = new EncodeThread();
    try {
      for (let job = this.#next(); job !== undefined; job = this.#next()) {
        const taken = job;
        const done = await this.#run(thread, taken, true);
        if (done !== undefined) await this.#order.run(() => this.#store(done.work, done.result));
      }
    } catch (error) {
      this.#failure ??= error;
    }
  }

  #next(): Work[] | undefined {
    if (this.#signal.aborted || this.#failure !== undefined) return undefined;
    return this.#jobs.next().value ?? undefined;
  }

  /** Garbage collection may move a file, or take it, between our look-up and the thread's read: then look again, once. */
  async #run(thread: EncodeThread, job: Work[], again: boolean): Promise<Done | undefined> {
    const locations = this.#files.locateMany(job.map(({ hash }) => hash));
    const work = job.filter((_, i) => locations[i] !== undefined);
    if (work.length === 0) return undefined;
    const result = await thread.run({
      packFolder: this.#files.packFolder,
      files: locations
        .filter((location) => location !== undefined)
        .map((location, i) => ({ ...location, encoders: (work[i]?.encoders ?? []).map(({ name }) => name) })),
    });
    if (!("error" in result)) return { work, result };
    if (again && result.error.code === "ENOENT") return this.#run(thread, job, false);
    const parts = { operation: "compress", subject: "files of a site", cause: result.error.message };
    throw new SteppeError("CONTENT_CORRUPT", parts);
  }

  async #store(work: readonly Work[], { sizes, bytes }: Encoded): Promise<void> {
    let at = 0;
    let index = 0;
    for (const { hash, encoders } of work) {
      for (const { name, replaced } of encoders) {
        const size = sizes[index++] ?? null;
        await this.#batch.add(hash, name, size === null ? null : bytes.subarray(at, at + size), replaced);
        if (size === null) continue;
        at += size;
        this.report.forms++;
      }
    }
    this.report.files += work.length;
    this.report.bytes += bytes.length;
    if (this.#batch.bytes < BATCH_BYTES && this.#batch.count < BATCH_FORMS) return;
    const full = this.#batch;
    this.#batch = new EncodingBatch(this.#files);
    await full.commit();
  }
}

type Encoded = Exclude<EncodeResult, { error: unknown }>;

interface Done {
  work: Work[];
  result: Encoded;
}

/** Each compressible content once, with the encoders that it lacks. A form that a stronger encoder made or tried is not wanted. */
async function findWork(files: PackedFileStore, tree: Tree): Promise<Work[]> {
  const candidates = new Map<string, Work>();
  let bytes = 0;
  for (const { path, hash, size } of tree) {
    const key = hash.toString("latin1");
    if (!isCompressible(path, size) || candidates.has(key)) continue;
    candidates.set(key, { hash, size, encoders: [] });
    bytes += size;
  }
  const wanted = encodersFor(bytes);
  const work: Work[] = [];
  const all = [...candidates.values()];
  for (let at = 0; at < all.length; at += LOOKED_UP_AT_ONCE) {
    if (at > 0) await setImmediate();
    const some = all.slice(at, at + LOOKED_UP_AT_ONCE);
    const known: string[][] = some.map(() => []);
    for (const { index, encoder } of files.tables.findEncodings(some.map(({ hash }) => hash)))
      known[index]?.push(encoder);
    for (const [i, item] of some.entries()) {
      item.encoders = wanted.flatMap((encoder) => lacking(encoder, known[i] ?? []));
      if (item.encoders.length > 0) work.push(item);
    }
  }
  return work;
}

function lacking({ name, form, level }: Encoder, known: readonly string[]): Work["encoders"] {
  const same = known.filter((other) => encoderForm(other) === form);
  if (same.some((other) => encoderNamed(other).level >= level)) return [];
  return [{ name, replaced: same }];
}

function* jobsOf(work: readonly Work[]): Generator<Work[], void, void> {
  let job: Work[] = [];
  let bytes = 0;
  for (const item of work) {
    if (job.length > 0 && (job.length >= JOB_FILES || bytes + item.size > JOB_BYTES)) {
      yield job;
      job = [];
      bytes = 0;
    }
    job.push(item);
    bytes += item.size;
  }
  if (job.length > 0) yield job;
}
