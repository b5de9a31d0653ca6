import { statfs } from "node:fs/promises";
import { SteppeError } from "../../shared/errors.ts";

/** An image that a tool has built, and that is about to be written to a folder. */
export interface BuiltSize {
  app: string;
  /** Bytes of all of its layers, not compressed. */
  size: number;
  /** Bytes that an image may have. */
  largest: number;
  folder: string;
}

/** Looks before it is written whether an image is taken at all, and fits the disk. Throws IMAGE_INVALID, DISK_FULL. */
export async function checkImageSize({ app, size, largest, folder }: BuiltSize): Promise<void> {
  const parts = { operation: "take", subject: `the image of ${app}` };
  if (size > largest) {
    const cause = `it has ${size} bytes; ${largest} are taken`;
    const hint = "Copy into the last stage only what is served; `.dockerignore` keeps the rest out of the build.";
    throw new SteppeError("IMAGE_INVALID", { ...parts, cause, hint });
  }
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (size <= free) return;
  const cause = `it has ${size} bytes, and the disk of the data folder has ${free} free`;
  throw new SteppeError("DISK_FULL", { ...parts, cause });
}
