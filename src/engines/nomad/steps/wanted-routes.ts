import { routesOf } from "../fabio/check-tags.ts";
import type { FabioTarget } from "../fabio/fabio.ts";
import type { Wanted } from "../fabio/fabio-views.ts";
import { isRedirect, tableKey } from "../fabio/route.ts";
import type { JobService } from "../job/services-of.ts";

/** An instance of a service: where visitors are to be sent. */
export interface Destination {
  /** The service's name. */
  service: string;
  /** `10.0.0.1:23456` */
  address: string;
}

/** Every route of the services leads to these, and perhaps to others. */
export function routesLeadTo(
  services: readonly JobService[],
  destinations: readonly Destination[],
  tagPrefix: string,
): Wanted {
  return (targets) => {
    for (const { name, key } of routesOfAll(services, tagPrefix)) {
      const there = addressesOf(targets, name, key);
      if (!addressesTo(destinations, name).isSubsetOf(there)) return `does not send visitors of ${key} to the release`;
    }
    return undefined;
  };
}

/** Every route of the services leads to these and to no others, and they have no further routes. */
export function routesLeadOnlyTo(
  services: readonly JobService[],
  destinations: readonly Destination[],
  tagPrefix: string,
): Wanted {
  return (targets) => {
    for (const { name, key } of routesOfAll(services, tagPrefix)) {
      const difference = addressesTo(destinations, name).symmetricDifference(addressesOf(targets, name, key));
      if (difference.size > 0) return `does not send all visitors of ${key} to the release`;
    }
    const keys = new Set(services.flatMap(({ tags }) => routesOf(tags, tagPrefix).map(tableKey)));
    const names = new Set(services.map(({ name }) => name));
    const own = [...names].flatMap((name) => targetsOf(targets, name));
    const left = own.find((target) => !keys.has(keyOf(target)));
    return left === undefined ? undefined : `still has the route ${left.host}${left.path}`;
  };
}

function routesOfAll(services: readonly JobService[], tagPrefix: string): Array<{ name: string; key: string }> {
  return services.flatMap(({ name, tags }) =>
    routesOf(tags, tagPrefix)
      // A redirect leads to its own address.
      .filter((route) => !isRedirect(route))
      .map((route) => ({ name, key: tableKey(route) })),
  );
}

function addressesOf(targets: readonly FabioTarget[], name: string, key: string): Set<string> {
  const found = targetsOf(targets, name).filter((target) => keyOf(target) === key && !target.isRedirect);
  return new Set(found.map(({ address }) => address));
}

/** All who wait are shown the same targets, of all services: they are sorted out once for each look. */
const byService = new WeakMap<readonly FabioTarget[], Map<string, FabioTarget[]>>();

function targetsOf(targets: readonly FabioTarget[], service: string): readonly FabioTarget[] {
  const sorted = byService.get(targets) ?? Map.groupBy(targets, (target) => target.service);
  byService.set(targets, sorted);
  return sorted.get(service) ?? [];
}

function addressesTo(destinations: readonly Destination[], name: string): Set<string> {
  return new Set(destinations.filter(({ service }) => service === name).map(({ address }) => address));
}

function keyOf({ host, path }: FabioTarget): string {
  return tableKey({ host, path, port: undefined });
}
