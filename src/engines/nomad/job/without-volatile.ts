import type { JobSpec } from "../../../nomad-api/index.ts";

/** What Nomad writes into a job by itself: it differs from version to version. */
const VOLATILE = new Set([
  "CreateIndex",
  "JobModifyIndex",
  "ModifyIndex",
  "NomadTokenID",
  "Stable",
  "Status",
  "StatusDescription",
  "SubmitTime",
  "Version",
  "VersionTag",
]);

/** A job as Nomad has it, without what Nomad itself wrote into it: as it can be registered once more. */
export function withoutVolatile(spec: JobSpec): JobSpec {
  const lasting = Object.entries(spec).filter(([key]) => !VOLATILE.has(key));
  return { ...Object.fromEntries(lasting), ID: spec.ID };
}
