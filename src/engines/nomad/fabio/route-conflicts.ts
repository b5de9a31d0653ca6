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

/**
 * Which routes of a service others have. Those with the service's own name are its own instances.
 *
 * @param others all services of Consul's catalog, by name, with the tags of their instances
 */
export function routeConflicts(
  service: TaggedService,
  others: Iterable<[name: string, tags: Iterable<string>]>,
  prefix = URL_PREFIX,
): RouteConflict[] {
  const wanted = new Set(routesOf(service.tags, prefix).map(routeKey));
  const conflicts: RouteConflict[] = [];
  for (const [holder, tags] of others) {
    if (holder === service.name) continue;
    const held = new Set(routesOf(tags, prefix).map(routeKey));
    for (const route of wanted.intersection(held)) conflicts.push({ route, holder });
  }
  return conflicts;
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
