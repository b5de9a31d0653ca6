import { closeSync, openSync, readlinkSync, readSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { join } from "node:path";
import { parentPort } from "node:worker_threads";
import { errno } from "../shared/errors.ts";
import { encoderNamed, isWorthKeeping } from "./encoders.ts";

/** Files to compress, and with what. */
export interface EncodeJob {
  packFolder: string;
  files: Array<{ pack: string; offset: number; size: number; encoders: string[] }>;
}

export type EncodeResult =
  /** For each file and encoder in turn the size of the form, or null if it saves too little; the forms one after the other. */
  | { sizes: Array<number | null>; bytes: Uint8Array<ArrayBuffer> }
  | { error: { code: string | undefined; message: string } };

/** Visitors come first. On Linux a priority belongs to a thread: https://man7.org/linux/man-pages/man2/setpriority.2.html (BUGS). */
const NICENESS = 15;

const port = parentPort;
if (port === null) throw new Error("this is a worker thread");
if (process.platform === "linux") stepBack(Number(readlinkSync("/proc/thread-self").split("/").at(-1)));

port.on("message", (job: EncodeJob) => {
  const result = answer(job);
  port.postMessage(result, "bytes" in result ? [result.bytes.buffer] : []);
});

/** Only downwards: to go up again is not allowed. */
function stepBack(thread: number): void {
  if (getPriority(thread) < NICENESS) setPriority(thread, NICENESS);
}

function answer(job: EncodeJob): EncodeResult {
  try {
    return encode(job);
  } catch (error) {
    return { error: { code: errno(error), message: error instanceof Error ? error.message : String(error) } };
  }
}

function encode({ packFolder, files }: EncodeJob): EncodeResult {
  const sizes: Array<number | null> = [];
  const forms: Buffer[] = [];
  for (const { pack, offset, size, encoders } of files) {
    const content = readRange(join(packFolder, pack), offset, size);
    for (const name of encoders) {
      const form = encoderNamed(name).encode(content);
      const kept = isWorthKeeping(size, form.length);
      sizes.push(kept ? form.length : null);
      if (kept) forms.push(form);
    }
  }
  const bytes = new Uint8Array(forms.reduce((sum, form) => sum + form.length, 0));
  let at = 0;
  for (const form of forms) {
    bytes.set(form, at);
    at += form.length;
  }
  return { sizes, bytes };
}

function readRange(path: string, offset: number, size: number): Buffer {
  const fd = openSync(path, "r");
  try {
    const content = Buffer.allocUnsafe(size);
    for (let done = 0; done < size;) {
      const count = readSync(fd, content, done, size - done, offset + done);
      if (count === 0) throw new Error(`${path} ends at ${offset + done}, in the middle of a file`);
      done += count;
    }
    return content;
  } finally {
    closeSync(fd);
  }
}
