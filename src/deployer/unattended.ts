import type { EngineContext } from "../engines/engine.ts";
import type { DeployerDependencies } from "./dependencies.ts";

/** Of what was live before by a person's word: nobody is asked once more, and others are not waited for. */
export function unattended(app: string, { engine, log }: DeployerDependencies, signal: AbortSignal): EngineContext {
  const promote = (): void => {
    engine
      .promote?.(app)
      .catch((error: unknown) => log.error({ app, err: error }, "promoting the live release failed"));
  };
  const awaitsPromotion = (waits: boolean): void => void (waits && promote());
  return { signal, progress() {}, note() {}, awaitsPromotion, isUrgent: true, isFormer: true };
}
