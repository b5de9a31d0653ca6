import { SteppeError } from "../../../shared/errors.ts";
import { routesOf, type TaggedService } from "./check-tags.ts";
import { URL_PREFIX } from "./read-route-tag.ts";
import { routeKey } from "./route.ts";

/** A host and path that two services want: Fabio would send some visitors to one and some to the other. */
export interface RouteConflict {
  /** `blog.example.com/` */
  route: string;
  /** The service that has it. */
  holder: string;
}

/** The services that have each route, by `blog.example.com/`. */
export type RouteHolders = ReadonlyMap<string, readonly string[]>;

export interface ConflictOptions {
  /** What tags of routes begin with. */
  prefix?: string;
  /** The names of services that may have them; default: the service's own, which are its instances. */
  own?: ReadonlySet<string>;
}

/** @param services all of Consul's catalog, by name, with the tags of their instances */
export function routeHolders(
  services: Iterable<readonly [name: string, tags: Iterable<string>]>,
  prefix = URL_PREFIX,
): RouteHolders {
  const holders = new Map<string, string[]>();
  for (const [name, tags] of services) {
    for (const key of new Set(routesOf(tags, prefix).map(routeKey))) {
      const held = holders.get(key);
      if (held === undefined) holders.set(key, [name]);
      else held.push(name);
    }
  }
  return holders;
}

/** Which routes of a service others have. */
export function routeConflicts(
  service: TaggedService,
  holders: RouteHolders,
  { prefix = URL_PREFIX, own = new Set([service.name]) }: ConflictOptions = {},
): RouteConflict[] {
  const wanted = new Set(routesOf(service.tags, prefix).map(routeKey));
  return [...wanted].flatMap((route) =>
    (holders.get(route) ?? []).filter((holder) => !own.has(holder)).map((holder) => ({ route, holder })),
  );
}

/** Throws DOMAIN_TAKEN with the first conflict. */
export function requireFreeRoutes(...args: Parameters<typeof routeConflicts>): void {
  const [service] = args;
  const [first] = routeConflicts(...args);
  if (first === undefined) return;
  throw new SteppeError("DOMAIN_TAKEN", {
    operation: "route",
    subject: service.name,
    cause: `the service ${first.holder} has the route \`${first.route}\` in Consul`,
    hint: `Take it from ${first.holder} first, or give the app another domain.`,
  });
}
