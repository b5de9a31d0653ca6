import { isOver } from "../../../nomad-api/index.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import { hasEnded } from "../cluster/job-view.ts";
import { LATER } from "../cluster/job-watch.ts";
import type { NomadParts } from "../parts.ts";
import { isOf, jobIdOf, readAppJob } from "./app-job.ts";

/** Nomad drains and stops the instances of versions before by itself: resolves when they have ended, and the deployment has. */
export async function retireOthers(parts: NomadParts, release: ReleaseSpec, context: EngineContext): Promise<void> {
  const { signal, note } = context;
  const found = await readAppJob(parts, jobIdOf(parts, release.app), signal);
  if (found === undefined || !isOf(found, release)) return;
  const { id, version, jobModifyIndex } = found.job;
  using watch = parts.cluster.watch(id, []);
  await watch.until(signal, (view) => {
    const others = view.instances().filter((one) => view.versionOf(one) !== version && !hasEnded(one));
    // One whose node does not tell of it cannot be waited for.
    if (others.some(({ clientStatus }) => clientStatus !== "unknown")) return LATER;
    const deployment = view.deployment(id, jobModifyIndex);
    if (deployment === undefined || deployment.status === "successful") return true;
    if (!isOver(deployment)) return LATER;
    note(`Nomad ended the deployment of the job as ${deployment.status}: ${deployment.statusDescription}`);
    return true;
  });
}
