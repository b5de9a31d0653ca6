import { realpath, rm, stat, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { DockerfileDefinition } from "../../config/index.ts";
import { errno, SteppeError } from "../../shared/errors.ts";

/** Where a build begins, within the checkout, links followed. */
export interface DockerfilePlace {
  file: string;
  context: string;
  /** The ignore file of this Dockerfile alone, `NAME.dockerignore`, if there is one. */
  ownIgnoreFile: string | null;
}

/** Dockerfiles and ignore files are read whole, here and by the tools. */
const MOST_BYTES = 1024 ** 2;

/**
 * Finds Dockerfile and context in a checkout. None of what the tools read by themselves, ignore files included, may be a link that leads
 * out of it: what a Dockerfile copies is then bounded by the context, by the tools. Throws FOLDER_MISSING, FILE_UNSUPPORTED, LINK_OUTSIDE.
 *
 * @param label what is built: `blog@v2`
 */
export async function locateDockerfile(
  checkout: string,
  { file, context }: Pick<DockerfileDefinition, "file" | "context">,
  label: string,
): Promise<DockerfilePlace> {
  const root = await realpath(checkout);
  const within = async (name: string): Promise<string | undefined> => {
    const path = await realpathOrNothing(join(root, name));
    if (path === undefined || path === root || path.startsWith(root + sep)) return path;
    const cause = `\`${name}\` leads out of the repository, to \`${path}\``;
    throw new SteppeError("LINK_OUTSIDE", { operation: "build", subject: label, cause });
  };
  const place = { file: await within(file), context: await within(context) };
  const found = place.file === undefined ? undefined : await stat(place.file);
  if (place.file === undefined || found?.isFile() !== true) {
    throw missing(label, `there is no Dockerfile \`${file}\``, "Correct the app's `dockerfile`, or add the file.");
  }
  if (place.context === undefined || !(await stat(place.context)).isDirectory()) {
    throw missing(label, `there is no folder \`${context}\``, "Correct the app's `dockerfile.context`.");
  }
  const ownName = `${relative(root, place.file)}.dockerignore`;
  const own = await within(ownName);
  const sizes = { [file]: found.size, [ownName]: own === undefined ? 0 : (await stat(own)).size };
  for (const [name, size] of Object.entries(sizes)) {
    if (size <= MOST_BYTES) continue;
    const cause = `\`${name}\` has ${size} bytes, more than ${MOST_BYTES}`;
    throw new SteppeError("FILE_UNSUPPORTED", { operation: "build", subject: label, cause });
  }
  for (const name of [".dockerignore", ".containerignore"]) await within(join(relative(root, place.context), name));
  return { file: place.file, context: place.context, ownIgnoreFile: own ?? null };
}

/**
 * Puts an ignore file in the place of the one that a context may have. That may be a link: to nothing, which could come to be outside of
 * the checkout, or to a file that is part of the context. It is taken away first, and never written through.
 */
export async function replaceIgnoreFile(context: string, content: Buffer): Promise<void> {
  const file = join(context, ".dockerignore");
  await rm(file, { recursive: true, force: true });
  await writeFile(file, content, { flag: "wx" });
}

function missing(subject: string, cause: string, hint: string): SteppeError {
  return new SteppeError("FOLDER_MISSING", { operation: "build", subject, cause, hint });
}

async function realpathOrNothing(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errno(error) ?? "")) return undefined;
    throw error;
  }
}
