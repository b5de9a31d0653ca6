import { statfs } from "node:fs/promises";
import { SteppeError } from "../shared/errors.ts";

/** What a program says that found no room on a disk. */
export const NO_SPACE = /No space left on device|Disk quota exceeded|ENOSPC/i;

/** Whether the disk that holds a folder is full. */
export async function isFull(folder: string): Promise<boolean> {
  const { bavail, bsize, ffree, files } = await statfs(folder);
  return bavail * bsize < 64 * 1024 || (files > 0 && ffree === 0);
}

/**
 * The error for a build that was stopped: the signal's reason if it says it already, else BUILD_CANCELLED.
 *
 * @param subject what was built: `blog@v2`
 */
export function cancelled(subject: string, reason: unknown): SteppeError {
  if (reason instanceof SteppeError) return reason;
  const cause = reason instanceof Error ? reason.message : "it was stopped";
  return new SteppeError("BUILD_CANCELLED", { operation: "build", subject, cause }, { cause: reason });
}
