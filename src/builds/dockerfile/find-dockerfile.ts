import type { DockerfileDefinition } from "../../config/index.ts";
import type { SourceTree } from "../source-tree.ts";

/** What of an app's definition says whether a Dockerfile makes its image. */
export interface DockerfileChoice {
  dockerfile: DockerfileDefinition | null;
  /** The build command, or null. */
  build: object | null;
  folder: string;
}

/**
 * The Dockerfile that makes the image of a tag, or null if none does. One that the app names is it, whether it is there or not; without a
 * word of it (`auto`), that of the root is, if there is one and the app says of no other way how its site is made. Of the tree no more
 * than the root is looked at.
 */
export async function findDockerfile(
  tree: SourceTree,
  { dockerfile, build, folder }: DockerfileChoice,
): Promise<DockerfileDefinition | null> {
  if (dockerfile === null || !dockerfile.auto) return dockerfile;
  if (build !== null || folder !== ".") return null;
  return (await tree.hasFile(dockerfile.file)) ? dockerfile : null;
}
