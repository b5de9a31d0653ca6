import { isOver } from "../../../nomad-api/index.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import { isGone } from "../cluster/job-view.ts";
import { LATER } from "../cluster/job-watch.ts";
import type { NomadParts } from "../parts.ts";
import { currentJob, isOf } from "./app-job.ts";

/**
 * Nomad drains and stops the instances of versions before by itself: resolves when they have ended, and the deployment has. If that comes to another end than it should, or somebody
 * registers the job anew meanwhile, whatever runs then is not for this release to wait for.
 */
export async function retireOthers(parts: NomadParts, release: ReleaseSpec, context: EngineContext): Promise<void> {
  const { signal, note } = context;
  const found = await currentJob(parts, release.app, signal);
  if (found === undefined || !isOf(found, release)) return;
  const { id, version, jobModifyIndex } = found.job;
  using watch = parts.cluster.watch(id, []);
  await watch.until(signal, (view) => {
    const deployment = view.deployment(id, jobModifyIndex);
    if (deployment !== undefined && isOver(deployment) && deployment.status !== "successful") {
      note(`Nomad ended the deployment of the job as ${deployment.status}: ${deployment.statusDescription}`);
      return true;
    }
    const isReplaced = view.deployments().some((other) => other.jobModifyIndex > jobModifyIndex);
    // One whose node does not tell of it cannot be waited for.
    const others = view.instances().filter((one) => view.versionOf(one) !== version && !isGone(one));
    if (others.length > 0 && !isReplaced) return LATER;
    return deployment === undefined || deployment.status === "successful" || isReplaced ? true : LATER;
  });
}
