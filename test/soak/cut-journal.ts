import { existsSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GitRepository } from "../support/git-repository.ts";
import { startSteppe } from "../support/steppe.ts";
import { httpGet } from "../support/http-get.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { leftovers } from "./leftovers.ts";
import { processesOf, status, until } from "./processes.ts";
import type { SoakResult } from "./soak-result.ts";
import { addSoakApp, APP, HOST, tagVersion } from "./soak-site.ts";

/**
 * A power cut on a disk that lies: the platform is killed after a push and the tail of the store's log is cut off at a random place.
 * It starts again, and the tag that was pushed is live, since the repository is asked what is true.
 */
export async function run(scale: number): Promise<SoakResult> {
  const cuts = Math.ceil(20 * scale);
  using folder = temporaryFolder("soak");
  const data = join(folder.path, "data");
  const repository = await GitRepository.init(join(folder.path, "repository"));
  const problems: string[] = [];
  for (let index = 0; index <= cuts; index++) {
    await using steppe = await startSteppe({ data });
    if (index === 0) await addSoakApp(steppe, repository);
    else problems.push(...(await shouldServe(steppe.addresses.http, `v${index - 1}`)), ...(await leftovers(steppe)));
    const { pushUrl } = (await steppe.json("app", "show", APP)) as { pushUrl: string };
    await repository.git("remote", "set-url", "steppe", pushUrl);
    await untilCheckpointed(data);
    await tagVersion(repository, `v${index}`);
    await repository.git("push", "--quiet", "steppe", `v${index}`);
    await until("status", () => status(steppe));
    steppe.launcher.kill("SIGKILL");
    for (const pid of [...processesOf(steppe, "control"), ...processesOf(steppe, "ingress")])
      process.kill(pid, "SIGKILL");
    const log = join(data, "steppe.db-wal");
    if (existsSync(log)) truncateSync(log, Math.floor(Math.random() * statSync(log).size));
  }
  return { counts: { cuts }, problems };
}

/** What was there before the push lies in the database itself: the log's tail is what the push, and nothing else, wrote. */
async function untilCheckpointed(data: string): Promise<void> {
  using database = new DatabaseSync(join(data, "steppe.db"));
  await until("an empty log", async () => {
    const result = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    return result?.["busy"] === 0 ? true : undefined;
  });
}

async function shouldServe(address: string, version: string): Promise<string[]> {
  try {
    await until(version, async () => {
      const { text } = await httpGet(address, { host: HOST });
      return text.includes(`<title>${version}</title>`) ? true : undefined;
    });
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
