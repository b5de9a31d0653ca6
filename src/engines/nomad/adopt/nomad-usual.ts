/** What Nomad fills in where a jobspec says nothing, of services: https://developer.hashicorp.com/nomad/docs/job-specification. Durations are nanoseconds. */
export const nomadUsual = {
  job: { Priority: 50, NodePool: "default", Namespace: "default", Region: "global" },
  group: {
    EphemeralDisk: { SizeMB: 300 },
    Migrate: {
      HealthCheck: "checks",
      HealthyDeadline: 300_000_000_000,
      MaxParallel: 1,
      MinHealthyTime: 10_000_000_000,
    },
    ReschedulePolicy: {
      Delay: 30_000_000_000,
      DelayFunction: "exponential",
      MaxDelay: 3_600_000_000_000,
      Unlimited: true,
    },
    RestartPolicy: { Attempts: 2, Delay: 15_000_000_000, Interval: 1_800_000_000_000, Mode: "fail" },
    Consul: {},
  },
  task: { KillTimeout: 5_000_000_000, LogConfig: { MaxFiles: 10, MaxFileSizeMB: 10 } },
  service: {
    AddressMode: "auto",
    Namespace: "default",
    OnUpdate: "require_healthy",
    Provider: "consul",
    Cluster: "default",
  },
} as const;

/** What the servers write into a job, and nobody else. */
export const SERVERS_OWN: ReadonlySet<string> = new Set([
  "ConsulNamespace",
  "ConsulToken",
  "CreateIndex",
  "DispatchIdempotencyToken",
  "Dispatched",
  "JobModifyIndex",
  "ModifyIndex",
  "NomadTokenID",
  "ParentID",
  "Payload",
  "Stable",
  "Status",
  "StatusDescription",
  "Stop",
  "SubmitTime",
  "VaultNamespace",
  "VaultToken",
  "Version",
  "VersionTag",
]);
