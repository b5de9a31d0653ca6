import type { NomadParts } from "../parts.ts";
import { type AppJob, jobIdOf, readAppJob } from "./app-job.ts";
import { endHandover } from "./handover.ts";
import { removeJob } from "./remove.ts";

/** What becomes of an app's job on Nomad when the app is removed. */
export interface JobRemoval {
  /** The job's id. */
  job: string;
  /** Whether it is stopped; else it goes on, since Steppe did not register it as it is. */
  isStopped: boolean;
}

/** What `removeApp` would do; undefined if there is no job. */
export async function jobRemoval(parts: NomadParts, app: string): Promise<JobRemoval | undefined> {
  const found = await readAppJob(parts, jobIdOf(parts, app));
  return found === undefined ? undefined : { job: found.job.id, isStopped: isOurs(app, found) };
}

/** Removes an app's job, if it is Steppe's, with all that stands in for its instances. One that was taken over and never deployed since goes on as it was before. */
export async function removeApp(parts: NomadParts, app: string, signal: AbortSignal): Promise<void> {
  const { table, log } = parts;
  const found = await readAppJob(parts, jobIdOf(parts, app), signal);
  await endHandover(parts, app, signal);
  if (found !== undefined) {
    const { job } = found;
    if (isOurs(app, found)) await removeJob(parts, job, signal);
    else log.warn({ app, job: job.id }, "the app's job goes on: as it is, Steppe did not register it");
  }
  table.delete(app);
}

/** By its meta alone: what is of somebody else's making must not be lost. */
function isOurs(app: string, { owner }: AppJob): boolean {
  return owner?.app === app;
}
