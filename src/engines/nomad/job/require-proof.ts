import type { AppDefinition } from "../../../config/index.ts";
import type { JobSpec, UpdateSpec } from "../../../nomad-api/index.ts";
import { isRouteTag, URL_PREFIX } from "../fabio/read-route-tag.ts";
import { routeTags } from "../fabio/route-tags.ts";
import { isConsulsAlone } from "./consul-check.ts";
import { refuseFor } from "./refuse-for.ts";

/**
 * Throws CONFIG_INVALID if what an app says to Nomad would have a release meet visitors before it has proved healthy, or never.
 *
 * @param job the app's, with what it says put over it
 */
export function requireProof(definition: AppDefinition, job: JobSpec, prefix = URL_PREFIX): void {
  const [group] = job.TaskGroups ?? [];
  const [service] = group?.Services ?? [];
  const { Tags, CanaryTags, Checks } = service ?? {};
  const refuse = refuseFor(definition.name, "nomad.service");
  if ((CanaryTags ?? []).length === 0)
    refuse("CanaryTags", "is empty; canaries would have the routes of the other tags");
  const route = CanaryTags?.find((tag) => isRouteTag(tag, prefix));
  if (route !== undefined)
    refuse("CanaryTags", `has \`${route}\`; visitors would be sent to canaries that have not proved healthy`);
  if (!routeTags(definition.domains, prefix).every((tag) => Tags?.includes(tag)))
    refuse("Tags", "takes away the routes of the app's domains");
  if ((Checks ?? []).length === 0) refuse("Checks", "takes away the check by which an instance proves healthy");
  requireSteppesWord(definition, { ...job.Update, ...group?.Update });
}

/** That the word to take over stays with Steppe where Nomad knows too little. */
function requireSteppesWord({ name, check, run }: AppDefinition, { MaxParallel, AutoPromote }: UpdateSpec): void {
  const refuse = refuseFor(name, "nomad.group");
  if ((MaxParallel ?? 1) < 1)
    refuse("Update.MaxParallel", "is 0, so Nomad would replace instances without a deployment");
  if (AutoPromote !== true) return;
  if (run.promote === "manual") refuse("Update.AutoPromote", "is true, and `run.promote` is manual");
  if (!isConsulsAlone(check))
    refuse("Update.AutoPromote", "is true, and the app's `check` is one that Nomad cannot make");
}
