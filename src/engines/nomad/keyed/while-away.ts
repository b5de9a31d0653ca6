import { isConsulAway } from "../../../consul/index.ts";
import { isNomadAway } from "../../../nomad-api/index.ts";
import { type Backoff, backoffDelay } from "../../../shared/backoff.ts";
import type { KeyedParts } from "./keyed-parts.ts";

const BACKOFF: Backoff = { first: 500, most: 10_000 };

/**
 * Tries what is to be done after a key was written, for as long as Nomad or Consul are away: to leave it half done would help nobody. Ends with any other error, and with the reason of the
 * signal.
 */
export async function whileAway<Result>(
  { clock, log }: Pick<KeyedParts, "clock" | "log">,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!isConsulAway(error) && !isNomadAway(error)) throw error;
      if (failures === 1) log.warn({ err: error }, "Nomad or Consul is away in the middle of a deployment; it waits");
      await clock.sleep(backoffDelay(BACKOFF, failures), { signal });
    }
  }
}
