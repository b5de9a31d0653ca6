import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/log.ts";
import { connectToLiving } from "./connect-to-living.ts";
import type { DrainTimes } from "./control-protocol.ts";
import { ingressFolders } from "./ingress-config.ts";
import type { IngressClient } from "./ingress-client.ts";

/** What is on the way is answered, for at most five seconds. */
export const STOP: DrainTimes = { idleMs: 0, mostMs: 5_000 };
const KILL_MS = STOP.mostMs + 2_000;

/** Stops every ingress process of a data folder, for when there is no control that could. The folder's lock is held by the caller. */
export async function stopIngress(dataFolder: string, { clock, log }: { clock: Clock; log: Logger }): Promise<void> {
  const clients = await connectToLiving(ingressFolders(dataFolder).run, log);
  await Promise.all(clients.map((client) => stopClient(client, clock, log)));
}

/** Resolves when the process has ended; one that does not in time is killed. */
export async function stopClient(client: IngressClient, clock: Clock, log: Logger): Promise<void> {
  const given = new AbortController();
  const late = clock.sleep(KILL_MS, { signal: given.signal }).then(
    () => client.kill(),
    () => {}, // aborted below: it ended in time
  );
  try {
    await client.drain(STOP);
  } catch (error) {
    log.error({ err: error, pid: client.status.pid }, "an ingress process does not answer; ending it");
    client.kill();
  }
  await client.closed;
  given.abort();
  await late;
}
