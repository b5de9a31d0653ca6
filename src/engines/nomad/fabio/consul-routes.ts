import type { Consul } from "../../../consul/index.ts";
import { SharedRead } from "../cluster/shared-read.ts";
import { type RouteHolders, routeHolders } from "./route-conflicts.ts";

/** What services there are in Consul, and which routes they have. */
export interface ServicesNow {
  names: ReadonlySet<string>;
  holders: RouteHolders;
}

/** The services of Consul's catalog and their routes: read and sorted out once for all deployments that want to know at about the same time. */
export class ConsulRoutes {
  readonly #services: SharedRead<ServicesNow>;

  constructor({ catalog }: Pick<Consul, "catalog">, tagPrefix: string) {
    this.#services = new SharedRead(async () => {
      const { value } = await catalog.services();
      return { names: new Set(value.keys()), holders: routeHolders(value, tagPrefix) };
    });
  }

  read(signal: AbortSignal): Promise<ServicesNow> {
    return this.#services.get(signal);
  }
}
