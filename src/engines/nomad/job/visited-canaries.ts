import type { JobSpec } from "../../../nomad-api/index.ts";
import { isRouteTag } from "../fabio/read-route-tag.ts";
import { servicesOf } from "./services-of.ts";

/**
 * The services of a job that send visitors to its canaries as soon as they run, before they are promoted: their `canary_tags` have a route, or are none, and then canaries have the tags of
 * all others.
 */
export function visitedCanaries(job: JobSpec, prefix: string): string[] {
  const groups = new Map((job.TaskGroups ?? []).map((group) => [group.Name, { ...job.Update, ...group.Update }]));
  return servicesOf(job).flatMap(({ name, group, tags, canaryTags }) => {
    const ofCanaries = canaryTags.length === 0 ? tags : canaryTags;
    const isVisited = (groups.get(group)?.Canary ?? 0) > 0 && ofCanaries.some((tag) => isRouteTag(tag, prefix));
    return isVisited ? [name] : [];
  });
}
