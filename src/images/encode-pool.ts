import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { entryFile } from "../shared/entry-file.ts";
import { SteppeError } from "../shared/errors.ts";
import type { EncodeJob, EncodeResult } from "./encode-worker.ts";

/** One core is left to visitors, and four are enough. */
export const DEFAULT_WORKERS = Math.max(1, Math.min(4, availableParallelism() - 1));

/** A worker thread that compresses; started at the first job. One job at a time. */
export class EncodeThread implements AsyncDisposable {
  #worker: Worker | undefined;

  /** Rejects if the thread dies. */
  run(job: EncodeJob): Promise<EncodeResult> {
    const worker = (this.#worker ??= new Worker(entryFile("encode-worker"), { name: "encode" }));
    const { promise, resolve, reject } = Promise.withResolvers<EncodeResult>();
    const onError = (error: unknown): void => reject(died(error));
    const onExit = (code: number): void => reject(died(new Error(`it ended with ${code}`)));
    worker.once("message", resolve).once("error", onError).once("exit", onExit);
    worker.postMessage(job);
    return promise.finally(() => worker.off("message", resolve).off("error", onError).off("exit", onExit));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }
}

function died(error: unknown): SteppeError {
  const cause = error instanceof Error ? error.message : String(error);
  const parts = { operation: "compress", subject: "files", cause: `the worker thread died: ${cause}` };
  return new SteppeError("INTERNAL", parts, { cause: error });
}
