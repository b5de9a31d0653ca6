import type { JobSpec } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import type { JobSettings } from "./job-settings.ts";

/**
 * Throws NOMAD_JOB_INVALID if a user's own job would be where Steppe does not look for it, or be stopped: Nomad registers a job where the job says, and everything else is asked for in
 * Steppe's own namespace.
 *
 * @param spec as Nomad parsed it
 * @param options.isFilledIn whether Nomad filled in its defaults, so that those are as good as not said
 */
export function requireInPlace(
  app: string,
  spec: JobSpec,
  { namespace = "default", region }: JobSettings,
  { isFilledIn = true }: { isFilledIn?: boolean } = {},
): void {
  const refuse = (cause: string, hint: string): never => {
    throw new SteppeError("NOMAD_JOB_INVALID", { operation: "make the job of", subject: app, cause, hint });
  };
  const isSaid = (place: string | null | undefined, usual: string): boolean =>
    (place ?? "") !== "" && !(isFilledIn && place === usual);
  if (isSaid(spec.Namespace, "default") && spec.Namespace !== namespace)
    refuse(
      `it is of the namespace ${spec.Namespace}, and Steppe's is ${namespace}`,
      "Leave out its `namespace`, or start a Steppe with that one in NOMAD_NAMESPACE.",
    );
  if (region !== undefined && isSaid(spec.Region, "global") && spec.Region !== region)
    refuse(
      `it is of the region ${spec.Region}, and Steppe's is ${region}`,
      "Leave out its `region`, or start a Steppe with that one in NOMAD_REGION.",
    );
  if (spec.Stop === true) refuse("it is stopped: it says `Stop`", "Leave that out.");
}
