import { buildCore } from "../scripts/build-core.ts";

/** Before all tests: what runs from the sources finds the core of the site server compiled, as it is now. Takes no time if nothing changed. */
export async function setup(): Promise<void> {
  await buildCore();
}
