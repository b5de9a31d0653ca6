import type { NomadParts } from "../parts.ts";
import { type AppJob, jobIdOf, readAppJob } from "./app-job.ts";
import { endHandover } from "./handover.ts";
import { removeJob } from "./remove.ts";

/**
 * Removes an app's job, if it is one, with all that stands in for its instances.
 *
 * @param options.onlyMade leave a job that was taken over, and never deployed since
 */
export async function removeApp(
  parts: NomadParts,
  app: string,
  { onlyMade = false, signal }: { onlyMade?: boolean; signal: AbortSignal },
): Promise<void> {
  const { table, log } = parts;
  const found = await readAppJob(parts, jobIdOf(parts, app), signal);
  await endHandover(parts, app, signal);
  if (found !== undefined) {
    const { job, owner } = found;
    const isOnlyTaken = onlyMade && owner === undefined;
    if (!isOnlyTaken && (await isOurs(parts, app, found, signal))) await removeJob(parts, job, signal);
    else log.warn({ app, job: job.id }, "the app's job is not of Steppe's making; it goes on");
  }
  table.delete(app);
}

/** By its meta; or, of a job that was taken over and never deployed since, by its history. One that somebody made anew under the same name has another. */
async function isOurs(
  { nomad, table }: NomadParts,
  app: string,
  { job, owner }: AppJob,
  signal: AbortSignal,
): Promise<boolean> {
  if (owner !== undefined) return owner.app === app;
  const known = table.get(app)?.jobModifyIndex;
  if (known === undefined) return false;
  const { value: versions } = await nomad.jobs.versions(job.id, { signal });
  return versions.some((version) => version.job.jobModifyIndex === known);
}
