/** Whether a cluster is set up as Steppe needs it. */
export { examineEnvironment } from "./examine-environment.ts";
export type { RepositoryLook } from "./registry-checks.ts";
export type { DoctorArea, DoctorCheck, DoctorReport } from "./report.ts";
