import type { JobSpec } from "../../../nomad-api/index.ts";
import type { ReleaseSpec } from "../../engine.ts";
import type { JobSettings } from "./job-settings.ts";
import { makeJob } from "./make-job.ts";
import { requireInstances } from "./require-instances.ts";
import { requireProof } from "./require-proof.ts";

/** The job of a release that is deployed for the first time. Throws as `makeJob` does, `requireProof` and `requireInstances`. */
export function makeNewJob(release: ReleaseSpec, settings: JobSettings, attempt = 0): JobSpec {
  const job = makeJob(release, settings, attempt);
  requireProof(release.definition, job, settings.tagPrefix);
  requireInstances(release.app, job);
  return job;
}
