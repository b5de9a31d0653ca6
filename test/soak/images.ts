import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../../src/shared/run-command.ts";
import { Numbers } from "../support/numbers.ts";
import { findPeer } from "../support/peers.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { KEPT, neededBytes, openReleasedImages, type ReleasedImages } from "./image-releases.ts";
import type { SoakResult } from "./soak-result.ts";

/** A process that lives so long takes one or two images. */
const MOST_LIFE_MS = 4000;
/** A pack is copied when less than half of it is live. */
const PACK_SHARE = 2;
/** Database, trees and index. */
const BESIDES = 8_000_000;

/**
 * 200 releases of an image of 50 MB, of which 10 are kept, with 20 kills -9 of the process that takes and collects them: at the end the disk holds what
 * 10 need, each of these is whole, as a rollback and a push want it, and the layout is one that skopeo reads.
 */
export async function run(scale: number): Promise<SoakResult> {
  const [count, kills] = [Math.ceil(200 * scale), Math.ceil(20 * scale)];
  await using folder = temporaryFolder("soak-images");
  const numbers = new Numbers();
  const problems: string[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const worker = start(folder.path, count);
    const ended = once(worker, "close");
    await new Promise((resolve) => setTimeout(resolve, 300 + numbers.below(MOST_LIFE_MS)));
    worker.kill("SIGKILL");
    await ended;
    using released = openReleasedImages(folder.path);
    problems.push(...(await brokenImages(released, released.releases.slice(-1))));
  }
  const worker = start(folder.path, count);
  const [code] = (await once(worker, "close")) as [number | null];
  if (code !== 0) problems.push(`the process ended with ${code}`);
  using released = openReleasedImages(folder.path);
  const kept = released.releases.slice(-KEPT);
  problems.push(
    ...(await brokenImages(released, kept)),
    ...(await unread(folder.path, kept)),
    ...leftBehind(released, kept),
  );
  const megabytes = Math.round(bytesBelow(folder.path) / 1e6);
  const { blobs, files } = neededBytes(count, KEPT);
  const most = Math.round((blobs + PACK_SHARE * files + BESIDES) / 1e6);
  if (megabytes > most) problems.push(`the disk holds ${megabytes} MB; ${most} MB are the most`);
  return {
    counts: { releases: released.releases.length, kills, "MB on disk": megabytes, "MB at most": most },
    problems,
  };
}

function start(folder: string, count: number): ChildProcess {
  const file = join(import.meta.dirname, "release-images.ts");
  return spawn(process.execPath, [file, folder, String(count)], { stdio: ["ignore", "ignore", "inherit"] });
}

/** What a rollback reads, the files of the site, and what a push reads, the blobs. */
async function brokenImages({ images }: ReleasedImages, digests: readonly string[]): Promise<string[]> {
  const problems: string[] = [];
  for (const digest of digests) {
    try {
      for (const { hash } of await images.readTree(digest)) await images.files.read(hash);
      for (const layer of (await images.open(digest)).layers) for await (const _ of layer.content());
    } catch (error) {
      problems.push(`${digest}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return problems;
}

/** What skopeo, if it is here, does not read of the layout. */
async function unread(folder: string, digests: readonly string[]): Promise<string[]> {
  const skopeo = findPeer("skopeo");
  if ("missing" in skopeo) return [];
  const problems: string[] = [];
  for (const digest of digests) {
    const args = ["inspect", `oci:${join(folder, "oci")}:${digest.slice(7)}`];
    const { code, stderr } = await runCommand({ file: skopeo.path, args, env: { PATH: process.env["PATH"] ?? "" } });
    if (code !== 0) problems.push(`skopeo inspect ${digest}: ${stderr}`);
  }
  return problems;
}

function leftBehind({ images }: ReleasedImages, kept: readonly string[]): string[] {
  const known = images.files.tables.images().map(({ digest }) => digest);
  const strangers = known.filter((digest) => !kept.includes(digest));
  const half = ["oci", "packs", "images"].flatMap((name) =>
    readdirSync(join(images.folder, "..", name)).filter((file) => file.endsWith(".tmp")),
  );
  return [...strangers.map((digest) => `${digest} is kept`), ...half.map((file) => `${file} was left`)];
}

export function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((total, entry) => total + statSync(join(entry.parentPath, entry.name)).size, 0);
}
