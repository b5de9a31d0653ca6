import { type ErrorCode, SteppeError } from "../shared/errors.ts";

/** How the job of a release is refused that cannot be compared with what is on Nomad. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  "CONFIG_INVALID",
  "NOMAD_JOB_INVALID",
  "NOMAD_REFUSED",
  "ROUTE_TAG_INVALID",
]);

/** What is found where a job is compared with that of the live release, or something else where that is refused. Whatever else goes wrong is thrown: nothing may be concluded of it. */
export async function unlessRefused<Found>(
  look: () => Promise<Found>,
  otherwise: (refusal: SteppeError) => Found | Promise<Found>,
): Promise<Found> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof SteppeError) || !REFUSALS.has(error.code)) throw error;
    return await otherwise(error);
  }
}
