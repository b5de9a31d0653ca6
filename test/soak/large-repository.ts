import { randomBytes } from "node:crypto";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { startSteppe } from "../support/steppe.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { TestApp } from "../support/test-app.ts";
import { peakMemoryOfControl } from "./peak-memory.ts";
import type { SoakResult } from "./soak-result.ts";

const MIB = 1024 * 1024;
const FILES = 16;
/** MiB. Whatever the size of what is pushed, control streams it. */
const MOST_MEMORY = 350;

/** A repository of 1 GB that cannot be compressed is pushed, deployed and served. */
export async function run(scale: number): Promise<SoakResult> {
  const problems: string[] = [];
  using folder = temporaryFolder("large");
  await using steppe = await startSteppe();
  const app = await TestApp.add(steppe, "large", folder.file("large"));
  const mebibytes = Math.ceil((1024 * scale) / FILES);
  const names = Array.from({ length: FILES }, (_, index) => `file-${index}.bin`);
  for (const name of names) writeRandom(folder.file("large", name), mebibytes);
  // Else the client spends minutes looking for similar files.
  await app.repository.git("config", "core.bigFileThreshold", "1m");
  await app.repository.git("config", "core.compression", "0");
  await app.repository.tag("v1", { "index.html": "large" });
  const begin = performance.now();
  const { code, text } = await app.push("v1");
  const seconds = Math.round((performance.now() - begin) / 1000);
  if (code !== 0 || (await app.text()) !== "large") problems.push(`it is not live: ${text}`);
  for (const name of names) {
    const { body } = await app.get(`/${name}`);
    if (!body.equals(readFileSync(folder.file("large", name)))) problems.push(`${name} is not what was pushed`);
  }
  const peak = peakMemoryOfControl(steppe);
  if (peak > MOST_MEMORY) problems.push(`control had ${peak} MiB, more than ${MOST_MEMORY}`);
  return {
    counts: { MiB: mebibytes * FILES, "seconds of the push": seconds, "MiB at most in control": peak },
    problems,
  };
}

function writeRandom(path: string, mebibytes: number): void {
  const file = openSync(path, "w");
  for (let index = 0; index < mebibytes; index++) writeSync(file, randomBytes(MIB));
  closeSync(file);
}
