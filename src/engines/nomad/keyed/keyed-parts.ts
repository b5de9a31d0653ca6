import type { CompatibleDefinition } from "../../../config/index.ts";
import type { Consul } from "../../../consul/index.ts";
import type { JobSpec, Nomad } from "../../../nomad-api/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { Logger } from "../../../shared/log.ts";
import type { KeyedAppTable } from "../../../store/index.ts";
import type { ReleaseSpec } from "../../engine.ts";
import type { JobWatch } from "../cluster/job-watch.ts";
import type { CheckProbe } from "../steps/check-probe.ts";

/** What releases that go live by a key are made with. */
export interface KeyedParts {
  nomad: Nomad;
  consul: Consul;
  /** See `ClusterWatch`. */
  cluster: { watch(jobId: string, services: Iterable<string>): Disposable & Pick<JobWatch, "until"> };
  /** See `CheckProbe`. */
  probe(job: JobSpec): Disposable & Pick<CheckProbe, "wrongAnswers">;
  table: KeyedAppTable;
  /**
   * The digest that a reference's tag stands for in its registry; undefined if there is no such image. Rejects with REGISTRY_UNREACHABLE and what else registries
   * do.
   */
  resolve(reference: string, signal: AbortSignal): Promise<string | undefined>;
  clock: Clock;
  log: Logger;
}

/** What a release says of its job and key. */
export function compatibleOf({ app, definition: { compatible } }: ReleaseSpec): CompatibleDefinition {
  if (compatible === null) throw new Error(`${app} has no key`);
  return compatible;
}
