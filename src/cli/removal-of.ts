import type { RemovalView } from "../api/types.ts";
import { SteppeError } from "../shared/errors.ts";
import type { Client } from "./io.ts";

/**
 * What removing an app would do to its job on Nomad; undefined if that is not known since Nomad is away, and the app is to go all the same. Rejects with APP_NOT_FOUND, and what Nomad's
 * error was where somebody is still to be asked.
 *
 * @param isDecided whether nobody is asked any more: a removal that is under way waits for Nomad, and is finished when it is back
 */
export async function removalOf(client: Client, app: string, isDecided: boolean): Promise<RemovalView | undefined> {
  try {
    return await client.removal(app);
  } catch (error) {
    if (!(error instanceof SteppeError)) throw error;
    if (error.code === "NOMAD_UNREACHABLE" && isDecided) return undefined;
    if (error.code !== "NOT_FOUND") throw error;
    await client.app(app); // a server of a version before says only that it is there
    return { app, job: null, isStopped: false };
  }
}
