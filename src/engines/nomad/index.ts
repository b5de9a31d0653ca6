/** The engine of a cluster: what an app is to Nomad, Consul and Fabio. */
export { checkTags, requireSoundTags, type TaggedService, type TagProblem } from "./fabio/check-tags.ts";
export { Fabio, type FabioTarget } from "./fabio/fabio.ts";
export { type RouteConflict, routeConflicts } from "./fabio/route-conflicts.ts";
export { routeTags } from "./fabio/route-tags.ts";
export type { JobSettings } from "./job/job-settings.ts";
export { createNomadEngine, type JobDrift, type NomadEngine, type NomadEngineOptions } from "./nomad-engine.ts";
