import type { CheckSpec, GroupSpec, JobSpec, ServiceSpec, TaskSpec } from "../../../nomad-api/index.ts";

/** What of a job is another than usual. */
export interface KnownJob {
  id?: string;
  job?: Partial<JobSpec>;
  group?: Partial<GroupSpec>;
  task?: Partial<TaskSpec>;
  service?: Partial<ServiceSpec> | null;
}

const RESTART = {
  Attempts: 2,
  Delay: 15_000_000_000,
  Interval: 1_800_000_000_000,
  Mode: "fail",
  RenderTemplates: false,
};

/** A job as Nomad 1.6 gives it, with all that it fills in by itself: what `curl $NOMAD_ADDR/v1/job/blog` printed. */
export function knownJob({ id = "blog", job = {}, group = {}, task = {}, service = {} }: KnownJob = {}): JobSpec {
  const services = service === null ? null : [{ ...knownService(id), ...service }];
  return json({
    Affinities: null,
    AllAtOnce: false,
    Constraints: null,
    ConsulNamespace: "",
    ConsulToken: "",
    CreateIndex: 11,
    Datacenters: ["dc1"],
    DispatchIdempotencyToken: "",
    Dispatched: false,
    ID: id,
    JobModifyIndex: 11,
    Meta: null,
    ModifyIndex: 18,
    Multiregion: null,
    Name: id,
    Namespace: "default",
    NodePool: "default",
    NomadTokenID: "",
    ParameterizedJob: null,
    ParentID: "",
    Payload: null,
    Periodic: null,
    Priority: 50,
    Region: "global",
    Spreads: null,
    Stable: true,
    Status: "running",
    StatusDescription: "",
    Stop: false,
    SubmitTime: 1_795_980_963_016_224,
    TaskGroups: [{ ...knownGroup(id), Services: services, Tasks: [{ ...knownTask(id), ...task }], ...group }],
    Type: "service",
    Update: { AutoPromote: false, AutoRevert: false, Canary: 0, MaxParallel: 1, Stagger: 30_000_000_000 },
    Version: 0,
    ...job,
  });
}

function knownGroup(name: string): object {
  return {
    Affinities: null,
    Constraints: [{ LTarget: "${attr.consul.version}", Operand: "semver", RTarget: ">= 1.7.0" }],
    Consul: { Namespace: "" },
    Count: 1,
    EphemeralDisk: { Migrate: false, SizeMB: 300, Sticky: false },
    MaxClientDisconnect: null,
    Meta: null,
    Migrate: {
      HealthCheck: "checks",
      HealthyDeadline: 300_000_000_000,
      MaxParallel: 1,
      MinHealthyTime: 10_000_000_000,
    },
    Name: name,
    Networks: [
      {
        CIDR: "",
        DNS: null,
        Device: "",
        DynamicPorts: [{ HostNetwork: "default", Label: "http", To: 8080, Value: 0 }],
        IP: "",
        MBits: 0,
        Mode: "",
        ReservedPorts: null,
      },
    ],
    ReschedulePolicy: {
      Attempts: 0,
      Delay: 30_000_000_000,
      DelayFunction: "exponential",
      Interval: 0,
      MaxDelay: 3_600_000_000_000,
      Unlimited: true,
    },
    RestartPolicy: RESTART,
    Scaling: null,
    ShutdownDelay: null,
    Spreads: null,
    StopAfterClientDisconnect: null,
    Update: {
      AutoPromote: false,
      AutoRevert: false,
      Canary: 0,
      HealthCheck: "checks",
      HealthyDeadline: 300_000_000_000,
      MaxParallel: 1,
      MinHealthyTime: 10_000_000_000,
      ProgressDeadline: 600_000_000_000,
      Stagger: 30_000_000_000,
    },
    Volumes: null,
  };
}

function knownService(name: string): ServiceSpec {
  return {
    Address: "",
    AddressMode: "auto",
    CanaryMeta: null,
    CanaryTags: null,
    Checks: [knownCheck({ Name: `service: "${name}" check`, Type: "http", Path: "/health" })],
    Connect: null,
    EnableTagOverride: false,
    Meta: null,
    Name: name,
    Namespace: "default",
    OnUpdate: "require_healthy",
    PortLabel: "http",
    Provider: "consul",
    TaggedAddresses: null,
    Tags: [`urlprefix-${name}.test/`],
    TaskName: "",
  };
}

export function knownCheck(check: CheckSpec): CheckSpec {
  return {
    AddressMode: "",
    Args: null,
    Body: "",
    CheckRestart: null,
    Command: "",
    Expose: false,
    Header: null,
    InitialStatus: "",
    Interval: 10_000_000_000 as never,
    Method: "",
    Name: "",
    OnUpdate: "require_healthy",
    Path: "",
    PortLabel: "",
    Protocol: "",
    TLSSkipVerify: false,
    TaskName: "",
    Timeout: 2_000_000_000 as never,
    Type: "",
    ...check,
  };
}

function knownTask(name: string): TaskSpec {
  return {
    Affinities: null,
    Artifacts: null,
    Config: { image: `registry.test:5000/team/${name}:v5`, ports: ["http"] },
    Constraints: null,
    Driver: "docker",
    Env: null,
    Identity: null,
    KillSignal: "",
    KillTimeout: 5_000_000_000 as never,
    Kind: "",
    Leader: false,
    Lifecycle: null,
    LogConfig: { Disabled: false, MaxFileSizeMB: 10, MaxFiles: 10 },
    Meta: null,
    Name: name,
    Resources: { CPU: 50, Cores: 0, Devices: null, DiskMB: 0, IOPS: 0, MemoryMB: 32, MemoryMaxMB: 0, Networks: null },
    RestartPolicy: RESTART as never,
    ScalingPolicies: null,
    Services: null,
    ShutdownDelay: 0 as never,
    Templates: null,
    User: "",
    Vault: null,
    VolumeMounts: null,
  };
}

/** As it comes over the wire. */
function json(job: object): JobSpec {
  return JSON.parse(JSON.stringify(job)) as JobSpec;
}
