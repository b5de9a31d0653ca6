/** The engine of a cluster: what an app is to Nomad, Consul and Fabio. */
export { adoptionChanges } from "./adopt/adoption-changes.ts";
export { type AdoptedJob, adoptJob, type AdoptOptions } from "./adopt/adopt-job.ts";
export type { DefinitionParts } from "./adopt/definition-parts.ts";
export { type Cluster, examineCluster } from "./doctor/examine-cluster.ts";
export { placementCause } from "./failure/placement-cause.ts";
export { changesOf, reversed } from "./job/job-changes.ts";
export type { JobSettings } from "./job/job-settings.ts";
export { settingsNow } from "./job/settings-now.ts";
export { createNomadEngine, type JobDrift, type NomadEngine, type NomadEngineOptions } from "./nomad-engine.ts";
