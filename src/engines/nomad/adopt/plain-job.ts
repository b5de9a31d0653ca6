import type { CheckSpec, GroupSpec, JobSpec, NetworkSpec, ServiceSpec, TaskSpec } from "../../../nomad-api/index.ts";
import { domainOf } from "./adopted-routes.ts";

/** A job of the shape that Steppe makes: one group of one task with one port, and one service at most. */
export interface PlainJob {
  job: JobSpec;
  group: GroupSpec;
  task: TaskSpec;
  port: number | null;
  service: ServiceSpec | undefined;
  /** The check that becomes the app's. */
  check: CheckSpec | undefined;
}

const PORT = "http";

/**
 * The parts of a job that a definition of the app could say.
 *
 * @returns why it could not else, to be read behind "it": "has 2 groups"
 */
export function plainJob(job: JobSpec, app: string, tagPrefix?: string): PlainJob | string {
  const [group, ...groups] = job.TaskGroups ?? [];
  const [task, ...tasks] = group?.Tasks ?? [];
  if (group === undefined || task === undefined) return "has no task";
  if (groups.length > 0) return `has ${groups.length + 1} groups`;
  if (tasks.length > 0) return `has ${tasks.length + 1} tasks`;
  if (job.ID !== app) return `is not called ${app}`;
  // Another group is another set of instances to Nomad, which would begin without canaries.
  if (group.Name !== app) return `has a group that is called ${group.Name}, and not ${app}`;
  if (task.Driver !== "docker") return `has a task of the driver ${task.Driver ?? ""}`;
  if (isThere(job["Multiregion"])) return "is one of several regions";
  if (task.Resources?.["Cores"]) return "has cores of its own";
  const port = portOf(group, task);
  if (typeof port === "string") return port;
  const service = serviceOf(group, task, app, tagPrefix);
  if (typeof service === "string") return service;
  const check = service?.Checks?.find(isPlainCheck);
  if (service !== undefined && check === undefined) return "has no plain HTTP check by which Steppe would know it well";
  const others = (service?.Checks ?? []).filter((one) => one !== check);
  if (others.some((one) => isOfTask(one, group))) return "has a check that runs in its task, or at the address of it";
  return { job, group, task, port: port.to, service, check };
}

function portOf({ Networks }: GroupSpec, task: TaskSpec): { to: number | null } | string {
  const ofTask = task.Resources?.["Networks"];
  if (Array.isArray(ofTask) && ofTask.length > 0) return "has ports of the task itself, as jobs had before Nomad 0.12";
  const [network, ...more] = Networks ?? [];
  if (network === undefined || more.length > 0) return `has ${more.length === 0 ? "no network" : "several networks"}`;
  if ((network.ReservedPorts ?? []).length > 0) return "has a static port, of which there is one for all instances";
  const [port, ...ports] = network.DynamicPorts ?? [];
  if (port === undefined || ports.length > 0) return `has ${port === undefined ? "no port" : "several ports"}`;
  if (port.Label !== PORT) return `has a port that is called ${port.Label}, and not ${PORT}`;
  if (!isPlainNetwork(network, port)) return "has a network of another kind than the node's own";
  const to = port.To ?? 0;
  return { to: to > 0 ? to : null };
}

function isPlainNetwork(network: NetworkSpec, port: Readonly<Record<string, unknown>>): boolean {
  const hostNetwork = port["HostNetwork"] ?? "";
  const isUsual = hostNetwork === "" || hostNetwork === "default";
  const mode = network.Mode ?? "";
  return isUsual && (mode === "" || mode === "host") && !isThere(network["DNS"]) && !isThere(network["CNI"]);
}

function serviceOf(group: GroupSpec, task: TaskSpec, app: string, prefix?: string): ServiceSpec | undefined | string {
  const [service, ...services] = [...(group.Services ?? []), ...(task.Services ?? [])];
  if (service === undefined) return undefined;
  if (services.length > 0) return `has ${services.length + 1} services`;
  if (service.Name !== app) return `has a service that is called ${service.Name ?? ""}, and not ${app}`;
  if ((service.Provider ?? "consul") !== "consul") return "has a service that is not in Consul";
  if ((group.Services ?? []).length === 0 && !["", "auto", "host"].includes(textOf(service["AddressMode"])))
    return "has a service at the address of its task";
  if (isThere(service["Connect"])) return "has a service of Consul Connect";
  if (service.PortLabel !== PORT) return `has a service of another port than ${PORT}`;
  const routes = (service.Tags ?? []).some((tag) => domainOf(tag, prefix) !== undefined);
  return routes || (service.Tags ?? []).length === 0 ? service : "has no tag that routes a whole host";
}

function isPlainCheck(check: CheckSpec): boolean {
  const { Type, Method, Path, Protocol, Body, PortLabel } = check as Record<string, unknown>;
  if (Type !== "http" || typeof Path !== "string" || !Path.startsWith("/")) return false;
  const isOwnPort = (PortLabel ?? "") === "" || PortLabel === PORT;
  if (wantsMore(check)) return false;
  return (
    ["", "GET"].includes(textOf(Method)) && ["", "http"].includes(textOf(Protocol)) && textOf(Body) === "" && isOwnPort
  );
}

/** Services are the group's in what Steppe makes, and the task gets another name. In a task's own service Nomad itself writes which task each check is of. */
function isOfTask(check: CheckSpec, { Services }: GroupSpec): boolean {
  const isGroups = (Services ?? []).length > 0;
  if (isGroups && textOf(check["TaskName"]) !== "") return true;
  return check.Type === "script" || textOf(check["AddressMode"]) === "driver";
}

/** Whether something else than an answer makes it pass or fail, or a restart comes of it: Steppe's own check, which takes its place, has no word for that. */
function wantsMore(check: CheckSpec): boolean {
  const { CheckRestart, OnUpdate, AddressMode } = check as Record<string, unknown>;
  const times = ["FailuresBeforeCritical", "FailuresBeforeWarning", "SuccessBeforePassing"];
  const headers = Object.keys(check.Header ?? {}).filter((name) => name.toLowerCase() !== "host");
  return (
    headers.length > 0 ||
    isThere(CheckRestart) ||
    !["", "require_healthy"].includes(textOf(OnUpdate)) ||
    !["", "auto"].includes(textOf(AddressMode)) ||
    times.some((name) => Number(check[name] ?? 0) > 0)
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isThere(value: unknown): boolean {
  return value !== null && value !== undefined;
}
