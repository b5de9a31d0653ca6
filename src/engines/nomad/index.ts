/** The engine of a cluster: what an app is to Nomad, Consul and Fabio. */
export { checkTags, requireSoundTags, type TaggedService, type TagProblem } from "./fabio/check-tags.ts";
export { requireFreeRoutes, type RouteConflict, routeConflicts } from "./fabio/route-conflicts.ts";
export { routeTags } from "./fabio/route-tags.ts";
export { placementCause } from "./failure/placement-cause.ts";
export { taskCause } from "./failure/task-cause.ts";
export { definitionHash, type JobOwner, readOwner } from "./job/job-owner.ts";
export type { JobSettings } from "./job/job-settings.ts";
export { makeJob } from "./job/make-job.ts";
export { ownJob } from "./job/own-job.ts";
