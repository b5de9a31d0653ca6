import type { Consul } from "../../../consul/index.ts";
import { checkTags, routesOf, type TaggedService } from "../fabio/check-tags.ts";
import { isRouteTag } from "../fabio/read-route-tag.ts";
import { isRedirect, routeKey, tableKey } from "../fabio/route.ts";
import { Findings } from "./report.ts";
import { isOwn, type Served, servedByFabio } from "./served-by-fabio.ts";

/** A service of Consul, with the tags of all its instances. */
export interface ClusterService extends TaggedService {
  instances: RoutedInstance[];
  /** Whether a tag of it says a route that cannot be told for sure; Fabio may have one all the same. */
  isVague: boolean;
}

export interface RoutedInstance {
  /** Where it is: `10.0.0.1:20000`. */
  address: string;
  /** What its tags ask for. */
  routes: WantedRoute[];
  served: Served;
  /** Whether it has any check, besides those of its node. */
  hasCheck: boolean;
}

export interface WantedRoute {
  /** As Fabio tells routes apart. */
  key: string;
  isRedirect: boolean;
}

/** So many questions go on at once. */
const AT_ONCE = 8;

/** The services of Consul that say that visitors be sent to them. */
export async function routedServices(
  consul: Consul,
  tagPrefix: string,
  signal: AbortSignal,
): Promise<ClusterService[]> {
  const { value: all } = await consul.catalog.services({ signal });
  const routed = [...all].filter(([, tags]) => tags.some((tag) => isRouteTag(tag, tagPrefix)));
  const services: ClusterService[] = [];
  const left = routed.values();
  const work = async (): Promise<void> => {
    for (const [name, tags] of left)
      services.push({
        name,
        tags,
        instances: await instancesOf(consul, name, tagPrefix, signal),
        isVague: tags.some((tag) => isRouteTag(tag, tagPrefix) && routesOf([tag], tagPrefix).length === 0),
      });
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return services.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function instancesOf(
  consul: Consul,
  name: string,
  tagPrefix: string,
  signal: AbortSignal,
): Promise<ClusterService["instances"]> {
  const { value } = await consul.health.service(name, { signal });
  return value.map(({ instance: { address, port, tags }, checks }) => ({
    address: `${address.includes(":") ? `[${address}]` : address}:${port}`,
    routes: routesOf(tags, tagPrefix).map((route) => ({ key: tableKey(route), isRedirect: isRedirect(route) })),
    served: servedByFabio(checks),
    hasCheck: checks.some(isOwn),
  }));
}

/** Looks at the tags of all services, Steppe's and others', for what stops Fabio's routes from changing, and for routes that several want. */
export function checkServices(services: readonly ClusterService[], tagPrefix: string): Findings {
  const findings = new Findings("services");
  for (const service of services) {
    for (const { tag, problem, stopsFabio } of checkTags(service, tagPrefix)) {
      const what = `service ${service.name}: ${tag === undefined ? problem : `its tag \`${tag.slice(0, 100)}\` ${problem}`}`;
      const where = "Correct it where the service is registered.";
      if (stopsFabio) findings.fail(what, `It may stop the routes of all services from changing. ${where}`);
      else findings.warn(what, `The routes of other services go on all the same. ${where}`);
    }
    const unchecked = service.instances.find(({ routes, hasCheck }) => routes.length > 0 && !hasCheck);
    if (unchecked !== undefined)
      findings.warn(
        `service ${service.name} at ${unchecked.address} has no check, so that Fabio sends nobody there`,
        "Give it a check where it is registered.",
      );
  }
  const holders = new Map<string, Set<string>>();
  for (const { name, tags } of services) {
    for (const key of routesOf(tags, tagPrefix).map(routeKey))
      holders.set(key, (holders.get(key) ?? new Set()).add(name));
  }
  for (const [route, names] of holders) {
    if (names.size > 1)
      findings.warn(
        `the route ${route} is wanted by ${[...names].join(" and ")}`,
        "Fabio sends some visitors to one and some to the other. Take it from one of them.",
      );
  }
  if (findings.checks.length === 0)
    findings.ok(
      `the tags of ${services.length} ${services.length === 1 ? "service" : "services"} are as Fabio reads them, and no route is wanted by two`,
    );
  return findings;
}
