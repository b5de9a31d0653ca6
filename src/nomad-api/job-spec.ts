import type { Nanoseconds } from "./nanoseconds.ts";

/** Go writes null for what was left out. */
type Maybe<Value> = Value | null | undefined;

/**
 * A job as Nomad reads and writes it: https://developer.hashicorp.com/nomad/api-docs/json-jobs. Under Nomad's own names, and with all that it holds besides what
 * is named here, so that what was read, or parsed from a jobspec, can be changed and registered again without losing anything.
 */
export interface JobSpec {
  ID: string;
  Name?: Maybe<string>;
  Namespace?: Maybe<string>;
  Region?: Maybe<string>;
  Type?: Maybe<string>;
  Priority?: Maybe<number>;
  Datacenters?: Maybe<string[]>;
  Constraints?: Maybe<ConstraintSpec[]>;
  Spreads?: Maybe<SpreadSpec[]>;
  TaskGroups?: Maybe<GroupSpec[]>;
  Update?: Maybe<UpdateSpec>;
  Meta?: Maybe<Record<string, string>>;
  Stop?: Maybe<boolean>;
  /** Nomad looks at it when the job is registered, and does not keep it. */
  ConsulToken?: Maybe<string>;
  [other: string]: unknown;
}

export interface GroupSpec {
  Name: string;
  Count?: Maybe<number>;
  Constraints?: Maybe<ConstraintSpec[]>;
  Spreads?: Maybe<SpreadSpec[]>;
  Update?: Maybe<UpdateSpec>;
  Networks?: Maybe<NetworkSpec[]>;
  Services?: Maybe<ServiceSpec[]>;
  Tasks?: Maybe<TaskSpec[]>;
  RestartPolicy?: Maybe<RestartSpec>;
  ReschedulePolicy?: Maybe<RescheduleSpec>;
  EphemeralDisk?: Maybe<{ SizeMB?: Maybe<number>; [other: string]: unknown }>;
  /** Between taking its services away and stopping its tasks. */
  ShutdownDelay?: Maybe<Nanoseconds>;
  Meta?: Maybe<Record<string, string>>;
  [other: string]: unknown;
}

export interface UpdateSpec {
  MaxParallel?: Maybe<number>;
  /** `checks`, `task_states` or `manual`. */
  HealthCheck?: Maybe<string>;
  MinHealthyTime?: Maybe<Nanoseconds>;
  HealthyDeadline?: Maybe<Nanoseconds>;
  ProgressDeadline?: Maybe<Nanoseconds>;
  Stagger?: Maybe<Nanoseconds>;
  /** False unless it is said. */
  AutoRevert?: Maybe<boolean>;
  /** False unless it is said. */
  AutoPromote?: Maybe<boolean>;
  /** 0 unless it is said. */
  Canary?: Maybe<number>;
  [other: string]: unknown;
}

export interface NetworkSpec {
  Mode?: Maybe<string>;
  DynamicPorts?: Maybe<PortSpec[]>;
  ReservedPorts?: Maybe<PortSpec[]>;
  [other: string]: unknown;
}

export interface PortSpec {
  Label: string;
  Value?: Maybe<number>;
  To?: Maybe<number>;
  [other: string]: unknown;
}

export interface ServiceSpec {
  Name?: Maybe<string>;
  PortLabel?: Maybe<string>;
  Tags?: Maybe<string[]>;
  /** In place of `Tags`, not besides them, while it is a canary. */
  CanaryTags?: Maybe<string[]>;
  Meta?: Maybe<Record<string, string>>;
  CanaryMeta?: Maybe<Record<string, string>>;
  Checks?: Maybe<CheckSpec[]>;
  /** `consul`, or `nomad` since 1.3. */
  Provider?: Maybe<string>;
  [other: string]: unknown;
}

export interface CheckSpec {
  Name?: Maybe<string>;
  Type?: Maybe<string>;
  Path?: Maybe<string>;
  Method?: Maybe<string>;
  Header?: Maybe<Record<string, string[]>>;
  Interval?: Maybe<Nanoseconds>;
  Timeout?: Maybe<Nanoseconds>;
  [other: string]: unknown;
}

export interface TaskSpec {
  Name: string;
  Driver?: Maybe<string>;
  /** The driver's options. The servers do not look at them: the task fails on its node, with the event `Failed Validation`. */
  Config?: Maybe<Record<string, unknown>>;
  Env?: Maybe<Record<string, string>>;
  Resources?: Maybe<{
    CPU?: Maybe<number>;
    MemoryMB?: Maybe<number>;
    MemoryMaxMB?: Maybe<number>;
    [other: string]: unknown;
  }>;
  Services?: Maybe<ServiceSpec[]>;
  Templates?: Maybe<TemplateSpec[]>;
  Constraints?: Maybe<ConstraintSpec[]>;
  RestartPolicy?: Maybe<RestartSpec>;
  KillTimeout?: Maybe<Nanoseconds>;
  ShutdownDelay?: Maybe<Nanoseconds>;
  Meta?: Maybe<Record<string, string>>;
  [other: string]: unknown;
}

export interface TemplateSpec {
  EmbeddedTmpl?: Maybe<string>;
  DestPath?: Maybe<string>;
  ChangeMode?: Maybe<string>;
  Envvars?: Maybe<boolean>;
  [other: string]: unknown;
}

export interface ConstraintSpec {
  LTarget?: Maybe<string>;
  Operand?: Maybe<string>;
  RTarget?: Maybe<string>;
  [other: string]: unknown;
}

export interface SpreadSpec {
  Attribute?: Maybe<string>;
  Weight?: Maybe<number>;
  SpreadTarget?: Maybe<Array<{ Value?: Maybe<string>; Percent?: Maybe<number>; [other: string]: unknown }>>;
  [other: string]: unknown;
}

export interface RestartSpec {
  Attempts?: Maybe<number>;
  Interval?: Maybe<Nanoseconds>;
  Delay?: Maybe<Nanoseconds>;
  /** `fail` or `delay`. */
  Mode?: Maybe<string>;
  [other: string]: unknown;
}

export interface RescheduleSpec {
  Attempts?: Maybe<number>;
  Interval?: Maybe<Nanoseconds>;
  Delay?: Maybe<Nanoseconds>;
  DelayFunction?: Maybe<string>;
  MaxDelay?: Maybe<Nanoseconds>;
  Unlimited?: Maybe<boolean>;
  [other: string]: unknown;
}
