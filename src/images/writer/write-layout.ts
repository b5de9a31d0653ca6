import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeFileAtomic } from "../../shared/atomic-file.ts";
import { errno, SteppeError } from "../../shared/errors.ts";
import { unwritable } from "../../shared/unwritable.ts";
import { writeWhole } from "../../shared/write-whole.ts";
import type { LayoutFile } from "../layout-archive.ts";
import { json, MEDIA_TYPES, OCI_LAYOUT, layoutIndex } from "../oci-manifest.ts";
import { isObject, parseObject } from "../registry/json-document.ts";
import type { LayoutEntry } from "./built-layout.ts";

/** What others may read, as their umask allows. */
const MODE = 0o666;
const REF_NAME = "org.opencontainers.image.ref.name";

/**
 * Puts an image into an OCI layout on disk, which is made if it is not there; an image of the same name gives its name up. The index comes last
 * and at once: whoever reads the layout meanwhile finds it as it was. If it fails, what it wrote is removed.
 * Throws USAGE if the folder holds something else; DISK_FULL; what the blobs throw.
 */
export async function writeLayout(folder: string, blobs: readonly LayoutFile[], entry: LayoutEntry): Promise<void> {
  const others = readIndex(folder).filter((other) => nameOf(other) !== entry.name);
  const written: string[] = [];
  const made: string[] = [];
  try {
    for (const path of [folder, join(folder, "blobs"), join(folder, "blobs/sha256")]) {
      const first = mkdirSync(path, { recursive: true });
      if (first !== undefined) made.push(path);
    }
    for (const { path, content } of blobs) {
      const file = join(folder, path);
      if (existsSync(file)) continue; // by its digest it is the same
      mkdirSync(dirname(file), { recursive: true });
      await writeWhole(file, content(), MODE);
      written.push(file);
    }
    const index = layoutIndex([entry]);
    if (!existsSync(join(folder, "oci-layout"))) {
      written.push(join(folder, "oci-layout"));
      writeFileAtomic(join(folder, "oci-layout"), json(OCI_LAYOUT), MODE);
    }
    writeFileAtomic(join(folder, "index.json"), json({ ...index, manifests: [...others, ...index.manifests] }), MODE);
  } catch (error) {
    for (const file of written) rmSync(file, { force: true });
    for (const path of made.toReversed()) removeEmpty(path);
    throw unwritable(error, "write", `oci:${folder}`);
  }
}

/** What an index that is there names. */
function readIndex(folder: string): Array<Record<string, unknown>> {
  const refuse = (cause: string): SteppeError => {
    return new SteppeError("USAGE", {
      operation: "write",
      subject: `oci:${folder}`,
      cause,
      hint: "Give a new folder.",
    });
  };
  try {
    const index = parseObject(readFileSync(join(folder, "index.json")));
    const manifests =
      index?.["mediaType"] === undefined || index["mediaType"] === MEDIA_TYPES.index ? index?.["manifests"] : undefined;
    if (Array.isArray(manifests)) return manifests.filter(isObject);
    throw refuse("its index.json is none of an image layout");
  } catch (error) {
    if (errno(error) === "ENOTDIR") throw refuse("it is a file");
    if (errno(error) !== "ENOENT") throw error;
    if (existsSync(folder) && readdirSync(folder).length > 0)
      throw refuse("it holds something other than an image layout");
    return [];
  }
}

function nameOf({ annotations }: Record<string, unknown>): unknown {
  return isObject(annotations) ? annotations[REF_NAME] : undefined;
}

function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (errno(error) !== "ENOTEMPTY" && errno(error) !== "ENOENT") throw error; // somebody else's is in it
  }
}
