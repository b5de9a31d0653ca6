import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { findPeer } from "../support/peers.ts";
import { type RunningSteppe, startSteppe } from "../support/steppe.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { TestApp } from "../support/test-app.ts";
import { peakMemoryOfControl } from "./peak-memory.ts";
import type { SoakResult } from "./soak-result.ts";

/** How many of a site's files are asked for. */
const SAMPLE = 1000;
/** MiB: of the push, in which the site is streamed; and of all, while compressed forms of 500 MiB are made beside the next deployment. */
const MOST_MEMORY = { push: 350, all: 600 };

/**
 * A big site that is HTML already, Debian's rust-doc with its links resolved: pushed as a tag and, as another app, sent as a folder;
 * a sample of its files is then compared byte for byte, by HTTP and HTTPS. A tenth of its files at scale 0.1.
 */
export async function run(scale: number): Promise<SoakResult> {
  const found = findPeer("rust-doc");
  if ("missing" in found) throw new Error(found.missing);
  const problems: string[] = [];
  using folder = temporaryFolder("real-sites");
  await using steppe = await startSteppe();
  const pushed = await TestApp.add(steppe, "pushed", folder.file("site"));
  const { files, bytes } = copySite(found.path, folder.file("site"), scale);
  await pushed.repository.tag("v1");
  const push = await timed(() => pushed.push("v1"));
  if (push.result.lines.every((line) => !line.endsWith("  live"))) problems.push(`not live: ${push.result.text}`);
  problems.push(...(await compare(steppe, pushed.host, found.path, files)));
  const peakOfPush = peakMemoryOfControl(steppe);

  const sent = await TestApp.add(steppe, "sent", folder.file("empty"));
  const send = await timed(() => steppe.cli("deploy", "sent", "--dir", folder.file("site")));
  if (send.result.code !== 0) problems.push(`not live: ${send.result.stderr}`);
  problems.push(...(await compare(steppe, sent.host, found.path, files)));

  // One file of them all changes.
  await pushed.repository.tag("v2", { "index.html": "changed" });
  const change = await timed(() => pushed.push("v2"));
  if ((await pushed.text()) !== "changed") problems.push(`not live: ${change.result.text}`);
  const back = await timed(() => steppe.cli("rollback", "pushed"));
  problems.push(...(await compare(steppe, pushed.host, found.path, files)));

  const peak = peakMemoryOfControl(steppe);
  if (peakOfPush > MOST_MEMORY.push) problems.push(`control had ${peakOfPush} MiB after the push`);
  if (peak > MOST_MEMORY.all) problems.push(`control had ${peak} MiB`);
  return {
    counts: {
      files: files.length,
      MiB: Math.round(bytes / 1024 / 1024),
      "ms of the push": push.ms,
      "ms of the folder": send.ms,
      "ms of a push with one change": change.ms,
      "ms of a rollback": back.ms,
      "MiB at most in control after the push": peakOfPush,
      "MiB at the end": peak,
    },
    problems,
  };
}

/** As `cp -rL` does, every so many of its files. The paths are relative to both folders. */
function copySite(from: string, into: string, scale: number): { files: string[]; bytes: number } {
  const every = Math.round(1 / scale);
  const files = listFiles(from, "").filter((path, index) => index % every === 0 || path === "index.html");
  let bytes = 0;
  for (const path of files) {
    mkdirSync(dirname(join(into, path)), { recursive: true });
    copyFileSync(join(from, path), join(into, path));
    bytes += statSync(join(into, path)).size;
  }
  return { files, bytes };
}

/** All files, those behind links to folders too. */
function listFiles(root: string, below: string): string[] {
  return readdirSync(join(root, below))
    .sort()
    .flatMap((name) => {
      const path = below === "" ? name : `${below}/${name}`;
      return statSync(join(root, path)).isDirectory() ? listFiles(root, path) : [path];
    });
}

/** What is wrong with a sample of an app's files, each asked for as a visitor does. */
async function compare(steppe: RunningSteppe, host: string, root: string, files: readonly string[]) {
  const problems: string[] = [];
  const every = Math.max(1, Math.floor(files.length / SAMPLE));
  for (const [index, file] of files.filter((_, at) => at % every === 0).entries()) {
    const path = `/${file.split("/").map(encodeURIComponent).join("/")}`;
    const { status, body } = await (index % 10 === 0 ? steppe.getSecurely : steppe.get)({ host, path });
    const isHidden = file.split("/").some((name) => name.startsWith("."));
    const isRight = isHidden ? status === 404 : status === 200 && body.equals(readFileSync(join(root, file)));
    if (!isRight) problems.push(`${host}${path}: status ${status}, ${body.length} bytes`);
  }
  return problems;
}

async function timed<Result>(work: () => Promise<Result>): Promise<{ result: Result; ms: number }> {
  const begin = performance.now();
  const result = await work();
  return { result, ms: Math.round(performance.now() - begin) };
}
