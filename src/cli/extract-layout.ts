import { createHash } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { errno, SteppeError, toSteppeError } from "../shared/errors.ts";
import { unwritable } from "../shared/unwritable.ts";
import { writeWhole } from "../shared/write-whole.ts";

/** All that a layout holds; the archive comes from elsewhere, and no other path is written. */
const LAYOUT_PATH = /^(?:oci-layout|index\.json|manifest\.json|blobs\/(sha256\/[0-9a-f]{64}|sha512\/[0-9a-f]{128}))$/;
const PARTS = ["oci-layout", "index.json", "manifest.json", "blobs"];

/**
 * Unpacks the archive of an OCI image layout into a folder that is empty or not there, each blob checked against its digest. `index.json`
 * comes last: a folder that has one is whole. Resolves with the bytes that were written.
 * Throws USAGE if the folder holds something, CONTENT_CORRUPT, DISK_FULL.
 */
export async function extractLayout(archive: AsyncIterable<Uint8Array>, folder: string): Promise<number> {
  await requireEmpty(folder);
  let bytes = 0;
  let last = "";
  try {
    const entries = extract();
    const fed = pipeline(Readable.from(archive, { objectMode: false }), entries);
    fed.catch(() => {}); // the loop throws it, too
    for await (const entry of entries) {
      const { name, type } = entry.header;
      const match = LAYOUT_PATH.exec(name);
      if (match === null || type !== "file")
        throw corrupt(folder, `${JSON.stringify(name)} is no part of an image layout`);
      last = name;
      await mkdir(dirname(join(folder, name)), { recursive: true });
      bytes += await writeWhole(
        join(folder, name),
        checked(entry as AsyncIterable<Uint8Array>, match[1], folder),
        0o666,
      );
    }
    await fed;
    if (last !== "index.json") throw corrupt(folder, "the archive has no index at its end");
    return bytes;
  } catch (error) {
    await Promise.all(PARTS.map((part) => rm(join(folder, part), { recursive: true, force: true })));
    throw toSteppeError(error, "export to", folder);
  }
}

async function requireEmpty(folder: string): Promise<void> {
  const parts = { operation: "export to", subject: folder };
  try {
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length === 0) return;
  } catch (error) {
    if (errno(error) !== "EEXIST" && errno(error) !== "ENOTDIR") throw unwritable(error, "export to", folder);
    throw new SteppeError("USAGE", { ...parts, cause: "it is a file", hint: "Give a new folder." }, { cause: error });
  }
  throw new SteppeError("USAGE", { ...parts, cause: "the folder is not empty", hint: "Give a new folder." });
}

async function* checked(
  content: AsyncIterable<Uint8Array>,
  blob: string | undefined,
  folder: string,
): AsyncGenerator<Uint8Array, void, void> {
  const [algorithm = "sha256", hex] = blob?.split("/") ?? [];
  const hash = createHash(algorithm);
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  if (hex !== undefined && hash.digest("hex") !== hex) throw corrupt(folder, `the content of ${hex} is another`);
}

function corrupt(folder: string, cause: string): SteppeError {
  return new SteppeError("CONTENT_CORRUPT", { operation: "export to", subject: folder, cause });
}
