import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errno } from "../shared/errors.ts";
import type { Logger } from "../shared/log.ts";
import { Gone, IngressClient, NoAnswer } from "./ingress-client.ts";
import { killIngress } from "./spawn-ingress.ts";

/** Nobody listens on the socket; or it was closed just as we came, since its process was ending. See connect(2), unix(7). */
const ENDED: ReadonlySet<string> = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE"]);

/**
 * Connects to every ingress process that lives. One that does not answer is ended: it would go on serving what is out of
 * date, and hold the listening sockets. Sockets that nobody listens on are removed.
 *
 * @param run `run/` in the data folder
 */
export async function connectToLiving(run: string, log: Logger): Promise<IngressClient[]> {
  const names = readdirSync(run).filter((name) => /^ingress-.+\.sock$/.test(name));
  const clients = await Promise.all(names.map((name) => connect(run, name, log)));
  return clients.filter((client) => client !== undefined);
}

async function connect(run: string, name: string, log: Logger): Promise<IngressClient | undefined> {
  const path = join(run, name);
  try {
    return await IngressClient.connect(path);
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    if (error instanceof NoAnswer && !(error instanceof Gone)) {
      const pids = killIngress(name.slice("ingress-".length, -".sock".length));
      await allGone(pids);
      log.error({ path, pids, err: error }, "an ingress process does not answer; it was ended");
    } else if (!ENDED.has(errno(error) ?? "") && !(error instanceof Gone)) {
      throw error;
    }
    rmSync(path, { force: true });
    return undefined;
  }
}

/** Resolves when processes that were killed hold no port any more: soon, unless the kernel waits for a disk. */
async function allGone(pids: readonly number[]): Promise<void> {
  for (let looks = 0; looks < 200 && pids.some((pid) => existsSync(`/proc/${pid}`)); looks++) await sleep(10);
}
