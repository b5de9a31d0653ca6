import { closeSync, fstatSync, openSync, renameSync, statSync, write, writeSync } from "node:fs";
import { errno } from "../shared/errors.ts";

const FLUSH_MS = 250;
const FLUSH_BYTES = 64 << 10;
/** What may wait in memory when the disk does not take it; more is dropped, and counted. */
const MOST_WAITING = 4 << 20;

/** One request, as a line of JSON. */
export interface AccessRecord {
  /** Milliseconds since 1970, when the request's head had come. */
  time: number;
  app: string | null;
  release: number | null;
  scheme: "http" | "https";
  host: string;
  method: string;
  /** Without the query, in which secrets may be. */
  path: string;
  status: number;
  /** Of the body of a file; 0 of what was proxied. */
  bytes: number;
  ms: number;
  remote: string;
  userAgent: string;
  /** The client went away, or the body could not be read to its end. */
  aborted?: true;
  error?: string;
}

/** What JSON must escape; of what comes from clients, bytes are characters. */
const ESCAPED = /["\\\u0000-\u001f\u007f-\uffff]/;

/** `JSON.stringify` of a record and a line feed, at a third of its price: this is done for every request. */
function encodeRecord(record: AccessRecord): string {
  const { app, release, aborted, error } = record;
  return (
    `{"time":${record.time},"app":${app === null ? "null" : `"${app}"`},"release":${release},"scheme":"${record.scheme}"` +
    `,"host":${text(record.host)},"method":${text(record.method)},"path":${text(record.path)},"status":${record.status}` +
    `,"bytes":${record.bytes},"ms":${record.ms},"remote":${text(record.remote)},"userAgent":${text(record.userAgent)}` +
    `${aborted === undefined ? "" : ',"aborted":true'}${error === undefined ? "" : `,"error":${JSON.stringify(error)}`}}\n`
  );
}

function text(value: string): string {
  return ESCAPED.test(value) ? JSON.stringify(value) : `"${value}"`;
}

/**
 * Writes access records to a file, some at a time. Whole lines in one write to a file opened for appending, so that a
 * process and its successor may write to the same one. At `mostBytes` the file is renamed to `PATH.1`.
 */
export class AccessLog {
  readonly #path: string;
  readonly #mostBytes: number;
  #fd: number;
  #size: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #writing = false;
  #timer: NodeJS.Timeout | undefined;
  /** Lines that were lost since the disk did not take them. */
  dropped = 0;

  constructor(path: string, mostBytes: number) {
    this.#path = path;
    this.#mostBytes = mostBytes;
    this.#fd = openSync(path, "a", 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  add(record: AccessRecord): void {
    if (this.#waitingBytes > MOST_WAITING) {
      this.dropped++;
      return;
    }
    const line = encodeRecord(record);
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    if (this.#waitingBytes >= FLUSH_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  /** Begins to write what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing || this.#waiting.length === 0) return;
    const bytes = this.#take();
    this.#writing = true;
    const rest = (offset: number): void => {
      write(this.#fd, bytes, offset, bytes.length - offset, null, (error, written) => {
        if (error !== null) this.dropped++;
        else if (offset + written < bytes.length) return rest(offset + written);
        this.#writing = false;
        this.#size += bytes.length;
        if (this.#size >= this.#mostBytes) this.#rotate();
        if (this.#waitingBytes >= FLUSH_BYTES) this.flush();
        else if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
      });
    };
    rest(0);
  }

  /** Writes what waits, and closes the file. For the process's last moment. */
  close(): void {
    clearTimeout(this.#timer);
    try {
      if (this.#waiting.length > 0) writeSync(this.#fd, this.#take());
    } catch {
      this.dropped++; // the disk is full: the process ends all the same
    }
    if (!this.#writing) closeSync(this.#fd);
  }

  #take(): Buffer {
    const bytes = Buffer.from(this.#waiting.join(""));
    this.#waiting = [];
    this.#waitingBytes = 0;
    return bytes;
  }

  /** Renames the file, unless another process of this slot has done so, and opens a new one. */
  #rotate(): void {
    try {
      if (isSameFile(this.#path, this.#fd)) renameSync(this.#path, `${this.#path}.1`);
      const fd = openSync(this.#path, "a", 0o600);
      closeSync(this.#fd);
      this.#fd = fd;
      this.#size = fstatSync(fd).size;
    } catch {
      this.#size = 0; // it goes on in the old file, and tries again when as much has come again
    }
  }
}

function isSameFile(path: string, fd: number): boolean {
  try {
    return statSync(path).ino === fstatSync(fd).ino;
  } catch (error) {
    if (errno(error) === "ENOENT") return false;
    throw error;
  }
}
