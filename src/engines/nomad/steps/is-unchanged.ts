import type { ReleaseSpec } from "../../engine.ts";
import { isExplained } from "../job/job-drift.ts";
import type { NomadParts } from "../parts.ts";
import { type AppJob, isOf } from "./app-job.ts";

/**
 * Whether nobody else changed an app's job since Steppe registered it last, or took it over. What cannot be known any more is taken as it is.
 *
 * @param release the one that is being deployed, or is live
 */
export async function isUnchanged(
  { nomad, table, tagPrefix }: NomadParts,
  release: ReleaseSpec,
  found: AppJob,
  signal?: AbortSignal,
): Promise<boolean> {
  const known = table.get(release.app)?.jobModifyIndex;
  if (known === undefined || known === found.job.jobModifyIndex) return true;
  const { value: versions } = await nomad.jobs.versions(found.job.id, { signal });
  return isExplained(versions, { known, isOwn: isOf(found, release), tagPrefix });
}
