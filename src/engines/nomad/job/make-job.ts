import type { AppDefinition, ConstraintDefinition, RunDefinition } from "../../../config/index.ts";
import {
  type CheckSpec,
  type ConstraintSpec,
  type GroupSpec,
  type JobSpec,
  nanoseconds,
  type NetworkSpec,
  type ServiceSpec,
  type TaskSpec,
  type UpdateSpec,
} from "../../../nomad-api/index.ts";
import type { ReleaseSpec } from "../../engine.ts";
import { requireSoundTags } from "../fabio/check-tags.ts";
import { routeTags } from "../fabio/route-tags.ts";
import { isHttpForConsul } from "./consul-check.ts";
import { imageOf } from "./image-of.ts";
import { isOwnerKey, ownerMeta } from "./job-owner.ts";
import type { JobSettings } from "./job-settings.ts";
import { mergeFragment } from "./merge-fragment.ts";
import { refuseFor } from "./refuse-for.ts";

const PORT = "http";
const CHECK_INTERVAL_MS = 1000;
/** Nomad takes none that is shorter. */
const LEAST_CHECK_TIMEOUT_MS = 1000;

/** What a fragment may not say: what the job is found and known by, and what makes it this release's. */
const OWN = {
  job: new Set(["ID", "Name", "Namespace", "Region", "Stop", "TaskGroups", "Type"]),
  group: new Set(["Name", "Services", "Tasks"]),
  task: new Set(["Name", "Driver", "Config.image"]),
  service: new Set(["Name", "Provider"]),
};

/**
 * The job of a release: one group of one task, a service with the tags of the app's domains, and what the app says to Nomad put over it.
 *
 * A release comes as canaries beside the instances that serve, as many as there will be: with fewer, those that are promoted would serve alone until the rest
 * have started. Canaries have no route.
 *
 * Throws CONFIG_INVALID where the app's `nomad` does not fit, or it lacks an image; ROUTE_TAG_INVALID. What a new release may not say, `makeNewJob` asks.
 *
 * @param attempt how often this release was placed before
 */
export function makeJob(release: ReleaseSpec, settings: JobSettings, attempt = 0): JobSpec {
  const { app, definition } = release;
  const { nomad } = definition;
  const put = <Part extends object>(part: keyof typeof OWN, base: Part): Part =>
    mergeFragment(base, nomad[part], {
      isOwn: (path) => OWN[part].has(path) || isOwnerMeta(path),
      refuse: refuseFor(app, `nomad.${part}`),
    });
  const service = put("service", serviceOf(release, settings));
  const task = put("task", taskOf(release));
  const group = put("group", groupOf(app, definition, service, task));
  const job = put("job", jobOf(release, settings, group, attempt));
  for (const tags of [service.Tags, service.CanaryTags])
    requireSoundTags({ name: app, tags: tags ?? [] }, settings.tagPrefix);
  return job;
}

function jobOf(release: ReleaseSpec, settings: JobSettings, group: GroupSpec, attempt: number): JobSpec {
  const { run } = release.definition;
  const { namespace, region } = settings;
  return {
    ID: release.app,
    Name: release.app,
    Type: "service",
    Datacenters: [...settings.datacenters],
    ...(namespace === undefined ? {} : { Namespace: namespace }),
    ...(region === undefined ? {} : { Region: region }),
    Meta: ownerMeta(release, attempt),
    Constraints: run.constraints.map(constraintOf),
    Spreads: run.spread.map((attribute) => ({ Attribute: attribute, Weight: 50 })),
    TaskGroups: [group],
  };
}

function groupOf(app: string, definition: AppDefinition, service: ServiceSpec, task: TaskSpec): GroupSpec {
  const { run } = definition;
  return {
    Name: app,
    Count: run.count,
    Update: updateOf(definition),
    Networks: [networkOf(run)],
    Services: [service],
    Tasks: [task],
    ShutdownDelay: nanoseconds(run.shutdownDelayMs),
  };
}

function updateOf({ run }: AppDefinition): UpdateSpec {
  return {
    MaxParallel: run.count,
    Canary: run.count,
    HealthCheck: "checks",
    MinHealthyTime: nanoseconds(run.minHealthyMs),
    HealthyDeadline: nanoseconds(run.healthyDeadlineMs),
    // It wants to be longer; in between an instance that failed may be tried once more.
    ProgressDeadline: nanoseconds(2 * run.healthyDeadlineMs),
    AutoRevert: true,
    // Steppe promotes: Nomad's clients take services out of Consul before they put others in, which leaves a moment without either.
    AutoPromote: false,
  };
}

function networkOf({ port }: RunDefinition): NetworkSpec {
  return { DynamicPorts: [{ Label: PORT, ...(port === null ? {} : { To: port }) }] };
}

function serviceOf({ app, number, definition }: ReleaseSpec, { tagPrefix }: JobSettings): ServiceSpec {
  const { metrics } = definition.run;
  const found = metrics === null ? [] : ["metrics"];
  const meta = {
    steppe_app: app,
    steppe_release: String(number),
    ...(metrics === null ? {} : { metrics_path: metrics }),
  };
  return {
    Name: app,
    Provider: "consul",
    PortLabel: PORT,
    Tags: [...routeTags(definition.domains, tagPrefix), ...found],
    // Never empty: canaries would then have the other tags, and with them the routes.
    CanaryTags: ["canary", ...found],
    Meta: meta,
    CanaryMeta: meta,
    Checks: [checkOf(definition)],
  };
}

/** Consul's own check passes with 200 to 299 and knows no texts: what else the app's `check` wants is asked by Steppe, before a release goes live. */
function checkOf({ name, check, domains }: AppDefinition): CheckSpec {
  const times = {
    Interval: nanoseconds(CHECK_INTERVAL_MS),
    Timeout: nanoseconds(Math.max(check.timeoutMs, LEAST_CHECK_TIMEOUT_MS)),
  };
  if (!isHttpForConsul(check)) return { Name: `${name} listens`, Type: "tcp", ...times };
  const host = domains.find((domain) => !domain.includes("*"));
  return {
    Name: `${name} answers`,
    Type: "http",
    Method: "GET",
    Path: check.path,
    ...times,
    ...(host === undefined ? {} : { Header: { Host: [host] } }),
  };
}

function taskOf(release: ReleaseSpec): TaskSpec {
  const { app, definition } = release;
  const { run } = definition;
  return {
    Name: app,
    Driver: run.driver,
    Config: driverConfig(release),
    Env: { ...run.env },
    Resources: {
      CPU: run.cpu,
      MemoryMB: run.memory,
      ...(run.memoryMax === null ? {} : { MemoryMaxMB: run.memoryMax }),
    },
  };
}

function driverConfig(release: ReleaseSpec): Record<string, unknown> {
  const { driver, command, args } = release.definition.run;
  const rest = args.length === 0 ? {} : { args: [...args] };
  if (driver === "java") return { jar_path: command, ...rest };
  if (driver === "exec") return { command, ...rest };
  return { image: imageOf(release), ports: [PORT], ...(command === null ? {} : { command }), ...rest };
}

function constraintOf({ attribute, operator, value }: ConstraintDefinition): ConstraintSpec {
  return {
    Operand: operator,
    ...(attribute === null ? {} : { LTarget: attribute }),
    ...(value === null ? {} : { RTarget: value }),
  };
}

function isOwnerMeta(path: string): boolean {
  const key = /^(?:Canary)?Meta\.(.*)$/.exec(path)?.[1];
  return key !== undefined && isOwnerKey(key);
}
