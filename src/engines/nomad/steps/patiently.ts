import { isConsulAway } from "../../../consul/index.ts";
import { isNomadAway } from "../../../nomad-api/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { TransportError } from "../../../shared/http/transport-error.ts";

/** An agent that is restarted is back by then. */
const PATIENCE_MS = 2 * 60_000;
const AGAIN_MS = 1000;

/**
 * Takes a step again while Nomad or Consul are away, for up to two minutes: every step may be taken again, and what runs on the cluster goes on meanwhile.
 *
 * @param note tells a person, once
 */
export async function patiently<Result>(
  step: () => Promise<Result>,
  { clock, signal, note }: { clock: Clock; signal: AbortSignal; note: (message: string) => void },
): Promise<Result> {
  let since: number | undefined;
  for (;;) {
    const begin = clock.monotonic();
    try {
      return await step();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SteppeError) || !isAway(error)) throw error;
      const now = clock.monotonic();
      // What went well for so long has not been away since the last time.
      if (now - begin >= PATIENCE_MS) since = undefined;
      if (since === undefined) note(`${error.reason}; waiting for it for up to ${PATIENCE_MS / 60_000} minutes`);
      since ??= now;
      if (now - since >= PATIENCE_MS) throw error;
    }
    await clock.sleep(AGAIN_MS, { signal });
  }
}

/** Whether waiting may help: against a setting that is wrong it does not. */
function isAway(error: SteppeError): boolean {
  if (!isNomadAway(error) && !isConsulAway(error)) return false;
  return !(error.cause instanceof TransportError && error.cause.mistake !== undefined);
}
