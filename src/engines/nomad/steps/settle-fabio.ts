import { SteppeError } from "../../../shared/errors.ts";
import type { EngineContext } from "../../engine.ts";
import type { Wanted } from "../fabio/fabio-views.ts";
import type { NomadParts } from "../parts.ts";

/** Fabio has what it was told of within some hundredths of a second. */
const SOON_MS = 1000;

/** Where the app's visitors are sent. */
interface Destination {
  name: string;
  address: string;
  port: number;
}

/**
 * Waits until every Fabio has the routes that are wanted, and notes which has not. One that was not told of what changed, which is so with Consul 1.10 if only tags did, is had to look.
 *
 * @param destination any of the app's instances in Consul
 */
export async function settleFabio(
  parts: Pick<NomadParts, "fabio" | "standIns">,
  app: string,
  wanted: Wanted,
  destination: Destination | undefined,
  { signal, note }: Pick<EngineContext, "signal" | "note">,
): Promise<void> {
  const { fabio, standIns } = parts;
  let unsettled = await fabio.settled(wanted, signal, SOON_MS);
  if (destination !== undefined && unsettled.some(({ isThere }) => isThere)) {
    const { name, address, port } = destination;
    await standIns.stir(app, { name, address, port }).catch(unlessDenied);
    unsettled = await fabio.settled(wanted, signal);
  }
  for (const { line } of unsettled) note(line);
}

/** Without the right to register services, Fabio looks when something else happens. */
function unlessDenied(error: unknown): void {
  if (!(error instanceof SteppeError) || error.code !== "CONSUL_DENIED") throw error;
}
