import { createHash } from "node:crypto";
import type { GitRepository } from "../support/git-repository.ts";
import type { RunningSteppe } from "../support/steppe.ts";

/** The host that soaks deploy to. */
export const HOST = "soak.localhost";
export const APP = "soak";

/**
 * A site whose every file says which version it is of, and whose page names a style sheet by its hash: so that an answer that
 * is not wholly of one release, and an asset that has gone too early, can be told.
 */
export function soakFiles(version: string): Record<string, string> {
  const style = `/* ${version} */ ${"body { color: black } ".repeat(50)}\n`;
  const hash = createHash("sha256").update(style).digest("hex").slice(0, 10);
  const filler = "the grass of the steppe bends and does not break. ".repeat(200);
  const page = `<!doctype html><title>${version}</title><link rel="stylesheet" href="/style.${hash}.css"><p>${filler}</p><!-- ${version} -->\n`;
  return {
    "index.html": page,
    [`style.${hash}.css`]: style,
    "big.txt": `${version}\n${filler.repeat(40)}\n${version}\n`,
  };
}

/** Commits a version, with nothing left of the one before, and tags it. */
export async function tagVersion(repository: GitRepository, version: string): Promise<void> {
  await repository.git("rm", "-r", "--quiet", "--ignore-unmatch", ".");
  await repository.tag(version, soakFiles(version));
}

/** What is wrong with a page, or undefined. `version` and the style sheet's path are given to the caller. */
export function readPage(text: string): { version: string; style: string } | undefined {
  const match =
    /^<!doctype html><title>([^<]+)<\/title><link rel="stylesheet" href="([^"]+)">.*<!-- ([^ ]+) -->\n$/s.exec(text);
  if (match === null || match[1] !== match[3]) return undefined;
  return { version: match[1] ?? "", style: match[2] ?? "" };
}

/** Makes the app and a remote in the repository that leads to it. */
export async function addSoakApp(steppe: RunningSteppe, repository: GitRepository): Promise<void> {
  const { pushUrl } = (await steppe.json("app", "add", APP, "--domain", HOST)) as { pushUrl: string };
  await repository.git("remote", "add", "steppe", pushUrl);
}
