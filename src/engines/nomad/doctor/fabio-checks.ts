import type { Consul, ServiceHealth } from "../../../consul/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import { Fabio, type FabioTarget } from "../fabio/fabio.ts";
import { tableKey } from "../fabio/route.ts";
import { oneLine } from "../../../shared/one-line.ts";
import type { ClusterService, WantedRoute } from "./cluster-services.ts";
import { Findings } from "./report.ts";
import { checkVersion } from "./versions.ts";

interface Asking {
  consul: Consul;
  /** Of the API of each Fabio; none: those that Consul has. */
  addresses: readonly string[];
  /** Those of Consul; undefined: they cannot be asked for. */
  services: readonly ClusterService[] | undefined;
  /** Asks for them once more. */
  servicesAgain(): Promise<readonly ClusterService[]>;
  clock: Clock;
  signal: AbortSignal;
}

/** A route is there 12 to 74 ms after its service passes; what is found missing is looked for again after so long, milliseconds. */
const AGAIN_MS = 500;
const MOST_TOLD = 10;

/** Looks at each Fabio: that it is there, its version, and whether it sends visitors where Consul says. */
export async function checkFabio(asking: Asking): Promise<Findings> {
  const { consul, signal } = asking;
  const findings = new Findings("Fabio");
  const addresses = asking.addresses.length > 0 ? asking.addresses : await found(consul, findings, signal);
  for (const address of addresses) {
    using fabio = new Fabio(address, asking.clock);
    await checkOne(fabio, asking, findings);
  }
  return findings;
}

/** Those that Consul has and finds well: the others get no visitors, and are not looked at by the engine either. */
async function found(consul: Consul, findings: Findings, signal: AbortSignal): Promise<string[]> {
  const answer = await findings.ask("the service fabio of Consul", signal, () =>
    consul.health.service("fabio", { signal }),
  );
  const all = answer?.value;
  const isWell = ({ status }: ServiceHealth): boolean => status === "passing";
  for (const instance of all ?? []) {
    if (isWell(instance)) continue;
    const said = instance.checks.find(({ status }) => status !== "passing")?.output ?? "";
    const why = said.trim() === "" ? "" : `: ${oneLine(said)}`;
    findings.fail(
      `Fabio at ${placeOf(instance)} is ${instance.status} in Consul${why}`,
      "See Fabio's log, and that Consul reaches its `ui.addr`.",
    );
  }
  if (all?.length === 0 && answer?.isFiltered === true)
    findings.fail(
      "the token may not read the service `fabio`, by which Fabio is found",
      "See what `Consul` says of it above, or say where Fabio is: `steppe up --engine nomad --fabio http://10.0.0.1:9998`.",
    );
  else if (all?.length === 0)
    findings.fail(
      "there is no Fabio: Consul has no service `fabio`",
      "Start one, or say where it is: `steppe up --engine nomad --fabio http://10.0.0.1:9998`.",
    );
  return (all ?? []).filter(isWell).map((instance) => `http://${placeOf(instance)}`);
}

function placeOf({ instance: { address, port } }: ServiceHealth): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

async function checkOne(
  fabio: Fabio,
  { services, servicesAgain, clock, signal }: Asking,
  findings: Findings,
): Promise<void> {
  const version = await findings.ask(`Fabio at ${fabio.address}`, signal, () => fabio.version(signal));
  if (version === undefined) return;
  checkVersion(findings, "Fabio", version, `at ${fabio.address}`);
  if (services === undefined) return;
  const look = async (as: readonly ClusterService[]): Promise<string[]> => compare(await fabio.routes(signal), as);
  const differences = await findings.ask(`the routes of Fabio at ${fabio.address}`, signal, async () => {
    const first = await look(services);
    if (first.length === 0) return [];
    await clock.sleep(AGAIN_MS, { signal });
    const second = await look(await servicesAgain());
    return second.filter((one) => first.includes(one));
  });
  if (differences === undefined) return;
  for (const difference of differences.slice(0, MOST_TOLD))
    findings.fail(
      `Fabio at ${fabio.address} ${difference}`,
      "A tag that it cannot read stops all of its routes from changing: see `services` below, and Fabio's log.",
    );
  if (differences.length > MOST_TOLD)
    findings.fail(`Fabio at ${fabio.address} differs in ${differences.length - MOST_TOLD} more routes`, "See above.");
  const routes = services.reduce((sum, { instances }) => sum + keysOf(instances).size, 0);
  if (differences.length > 0) return;
  const has = routes === 1 ? "the 1 route that Consul has" : `the ${routes} routes that Consul has`;
  findings.ok(
    routes === 0
      ? `Consul has no routes yet, and Fabio at ${fabio.address} none of them`
      : `Fabio at ${fabio.address} has ${has}, and no others`,
  );
}

/** What Fabio's routes lack, or have besides what Consul says; to be read behind "Fabio". */
function compare(targets: readonly FabioTarget[], services: readonly ClusterService[]): string[] {
  const has = new Set(targets.map((target) => nameOf(target.service, routeOf(target), target.address)));
  const differences: string[] = [];
  const allowed = new Set<string>();
  for (const { name, instances } of services) {
    for (const { address, routes, served } of instances.filter((one) => one.served !== "no")) {
      for (const route of routes) {
        const target = nameOf(name, route, address);
        allowed.add(target);
        if (served === "yes" && !has.has(target)) differences.push(missing(name, route, address));
      }
    }
  }
  const byName = new Map(services.map((service) => [service.name, service]));
  for (const target of targets) {
    const service = byName.get(target.service);
    const isAllowed = allowed.has(nameOf(target.service, routeOf(target), target.address));
    if (service?.isVague === false && !isAllowed) differences.push(left(service, target));
  }
  return [...new Set(differences)];
}

function missing(service: string, { key, isRedirect }: WantedRoute, address: string): string {
  return isRedirect
    ? `does not redirect visitors of ${key}, as ${service} says`
    : `does not send visitors of ${key} to ${service} at ${address}`;
}

function left({ name, instances }: ClusterService, target: FabioTarget): string {
  const { key, isRedirect } = routeOf(target);
  if (isRedirect) return `still redirects visitors of ${key} for ${name}, of which Consul does not say so`;
  const isSick = instances.some(({ address, served }) => address === target.address && served === "no");
  const which = isSick ? "which is not well in Consul" : "which Consul does not have";
  return `still sends visitors of ${key} to ${name} at ${target.address}, ${which}`;
}

/** Of a redirect it does not matter which instance asks for it. */
function nameOf(service: string, { key, isRedirect }: WantedRoute, address: string): string {
  return `${service} ${key} ${isRedirect ? "redirect" : address}`;
}

function keysOf(instances: ClusterService["instances"]): Set<string> {
  return new Set(instances.flatMap(({ routes, served }) => (served === "yes" ? routes.map(({ key }) => key) : [])));
}

function routeOf({ host, path, isRedirect }: FabioTarget): WantedRoute {
  return { key: tableKey({ host, path, port: undefined }), isRedirect };
}
