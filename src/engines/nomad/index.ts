/** The engine of a cluster: what an app is to Nomad, Consul and Fabio. */
export { checkTags, requireSoundTags, type TaggedService, type TagProblem } from "./fabio/check-tags.ts";
export { requireFreeRoutes, type RouteConflict, routeConflicts } from "./fabio/route-conflicts.ts";
export { routeTags } from "./fabio/route-tags.ts";
