import { isOver } from "../../../nomad-api/index.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import { isGone, type JobInstance } from "../cluster/job-view.ts";
import { Later } from "../cluster/job-watch.ts";
import type { NomadParts } from "../parts.ts";
import { currentJob, isOf } from "./app-job.ts";
import { drainMs } from "./drain-ms.ts";

/** Longer than any instance should take to end, besides what its job says itself. The app's next deployment waits so long. */
const END_MS = 10 * 60_000;

/**
 * Nomad drains and stops the instances of versions before by itself: resolves when they have ended, and the deployment has. If that comes to another end than it should, or somebody
 * registers the job anew meanwhile, whatever runs then is not for this release to wait for; nor is what does not end, as where the Docker of a node hangs: Nomad ends it whenever it can.
 *
 * Who goes back to a release from before waits for the deployment alone: until that is successful, Nomad does not know this version as one to go back to. Instances that are to end do so
 * whatever is registered beside them; any other deployment waits for them all the same, since they have the room that its instances may need.
 */
export async function retireOthers(parts: NomadParts, release: ReleaseSpec, context: EngineContext): Promise<void> {
  const { signal, note, hurry } = context;
  const found = await currentJob(parts, release.app, signal);
  if (found === undefined || !isOf(found, release)) return;
  const { id, version, jobModifyIndex, spec } = found.job;
  const end = parts.clock.monotonic() + drainMs(spec) + END_MS;
  using watch = parts.cluster.watch(id, []);
  using _ = onAbort(hurry, () => watch.wake());
  await watch.until(signal, (view) => {
    const deployment = view.deployment(id, jobModifyIndex);
    if (deployment !== undefined && isOver(deployment) && deployment.status !== "successful") {
      note(`Nomad ended the deployment of the job as ${deployment.status}: ${deployment.statusDescription}`);
      return true;
    }
    const isReplaced = view.deployments().some((other) => other.jobModifyIndex > jobModifyIndex);
    // One whose node does not tell of it cannot be waited for.
    const others = view.instances().filter((one) => view.versionOf(one) !== version && !isGone(one));
    const isEnough = others.length === 0 || hurry?.aborted === true;
    const isSettled = isEnough && (deployment === undefined || deployment.status === "successful");
    if (isSettled || isReplaced) return true;
    const left = end - parts.clock.monotonic();
    if (left > 0) return new Later(left);
    note(
      others.length > 0 ? unended(others) : "Nomad comes to no end of the deployment of the job; not waiting for it",
    );
    return true;
  });
}

/** To be disposed of, so that nothing listens any more. */
function onAbort(signal: AbortSignal | undefined, listener: () => void): Disposable {
  signal?.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", listener) };
}

function unended(others: readonly JobInstance[]): string {
  const [first] = others.map(({ id, nodeName, nodeId }) => `${id} on the node ${nodeName === "" ? nodeId : nodeName}`);
  const more = others.length > 1 ? `, and ${others.length - 1} more` : "";
  return `what served before does not end: instance ${first}${more}. Not waiting for it: Nomad ends it when that node can; see \`nomad alloc status ${others[0]?.id}\``;
}
