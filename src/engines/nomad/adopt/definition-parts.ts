import { isDeepStrictEqual } from "node:util";
import type { AppDefinition, RunDefinition } from "../../../config/index.ts";
import { type JobSpec, milliseconds, type Nanoseconds } from "../../../nomad-api/index.ts";
import { readOwner } from "../job/job-owner.ts";
import type { JobSettings } from "../job/job-settings.ts";
import { domainOf } from "./adopted-routes.ts";
import { constraintDefinition } from "./constraints.ts";
import { datacenterConstraint } from "./datacenter-constraint.ts";
import type { PlainJob } from "./plain-job.ts";

/** What of an app's definition a job says; the rest is as it is where nothing is said. */
export interface DefinitionParts {
  domains: string[];
  image: AppDefinition["image"];
  check: Partial<AppDefinition["check"]>;
  run: Partial<RunDefinition>;
  nomad?: AppDefinition["nomad"];
  job?: string;
}

/** What the names of a definition say of a job. */
export function definitionParts(
  plain: PlainJob,
  image: AppDefinition["image"],
  { datacenters, tagPrefix }: JobSettings,
): DefinitionParts {
  const { service, check } = plain;
  const domains = (service?.Tags ?? []).flatMap((tag) => domainOf(tag, tagPrefix) ?? []);
  const timeout = timeOf(check?.Timeout);
  return {
    domains: [...new Set(domains)],
    image,
    check: {
      ...(check?.Path === undefined || check.Path === null ? {} : { path: check.Path }),
      ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    },
    run: present({ ...runOf(plain), ...timesOf(plain), constraints: constraintsOf(plain, datacenters) }),
  };
}

function runOf({ job, group, task, port, service }: PlainJob): Partial<RunDefinition> {
  const { command, args } = task.Config ?? {};
  const { CPU, MemoryMB, MemoryMaxMB } = task.Resources ?? {};
  const env = Object.entries(task.Env ?? {});
  const spread = (job.Spreads ?? []).filter(({ Weight, SpreadTarget }) => Weight === 50 && !SpreadTarget?.length);
  return {
    driver: "docker",
    command: typeof command === "string" ? command : null,
    args: isTexts(args) ? args : [],
    port,
    count: group.Count ?? 1,
    ...(CPU ? { cpu: CPU } : {}),
    ...(MemoryMB ? { memory: MemoryMB } : {}),
    memoryMax: MemoryMaxMB ? MemoryMaxMB : null,
    metrics: service?.Meta?.["metrics_path"] ?? null,
    env: Object.fromEntries(env),
    spread: spread.flatMap(({ Attribute }) => Attribute ?? []),
  };
}

function constraintsOf({ job }: PlainJob, datacenters: readonly string[]): RunDefinition["constraints"] {
  const said = (job.Constraints ?? []).map(constraintDefinition);
  const kept = datacenterConstraint(job, datacenters);
  return kept === undefined || said.some((one) => isDeepStrictEqual(one, kept)) ? said : [...said, kept];
}

/** Of how a version takes over, only what a definition has a word for: the rest is Steppe's way. */
function timesOf({ job, group }: PlainJob): Partial<RunDefinition> {
  const { Canary, AutoPromote, MinHealthyTime, HealthyDeadline } = group.Update ?? {};
  const minHealthyMs = timeOf(MinHealthyTime);
  const healthyDeadlineMs = timeOf(HealthyDeadline);
  // Without one, requests that are under way are lost when a release takes over: so none is as good as not said.
  const shutdownDelayMs = timeOf(group.ShutdownDelay);
  return {
    // Steppe promotes by itself, so of a job that one made it says nothing.
    promote: (Canary ?? 0) > 0 && AutoPromote !== true && !isSteppes(job) ? "manual" : "auto",
    ...(minHealthyMs === undefined ? {} : { minHealthyMs }),
    ...(healthyDeadlineMs === undefined ? {} : { healthyDeadlineMs }),
    ...(shutdownDelayMs === undefined ? {} : { shutdownDelayMs }),
  };
}

/** Whether a Steppe made it: this one, which has forgotten it, or another. */
export function isSteppes({ Meta }: JobSpec): boolean {
  return readOwner(Meta ?? {}) !== undefined;
}

function timeOf(duration: Nanoseconds | null | undefined): number | undefined {
  return duration ? Math.round(milliseconds(duration)) : undefined;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function present(run: Partial<RunDefinition>): Partial<RunDefinition> {
  return Object.fromEntries(Object.entries(run).filter(([, value]) => value !== undefined));
}
