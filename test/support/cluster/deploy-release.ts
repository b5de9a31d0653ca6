import type { Engine, EngineContext, ReleaseSpec } from "../../../src/engines/engine.ts";

/**
 * Takes a release through the steps of a deployment, as the deployer does; what fails is undone and thrown.
 *
 * @param note is told what a person would be
 */
export async function deployRelease(
  engine: Engine,
  release: ReleaseSpec,
  note = (_: string): void => {},
): Promise<void> {
  const signal = new AbortController().signal;
  const context: EngineContext = { signal, note, progress() {}, awaitsPromotion() {} };
  try {
    await engine.place(release, context);
    await engine.awaitHealthy(release, context);
  } catch (error) {
    await engine.abandon(release);
    throw error;
  }
  await engine.route(release, context);
  await engine.retire(release, context);
}
