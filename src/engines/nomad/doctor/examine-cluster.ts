import type { Consul } from "../../../consul/index.ts";
import type { Nomad } from "../../../nomad-api/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import { URL_PREFIX } from "../fabio/read-route-tag.ts";
import { checkConsul } from "./consul-checks.ts";
import { checkServices, routedServices } from "./cluster-services.ts";
import { checkFabio } from "./fabio-checks.ts";
import { checkNomad } from "./nomad-checks.ts";
import { checkRegistries, type RepositoryLook } from "./registry-checks.ts";
import { type DoctorReport, Findings } from "./report.ts";

export interface Cluster {
  nomad: Nomad;
  consul: Consul;
  /** How they are reached, for messages. */
  addresses: { nomad: string; consul: string };
  /** Of Nomad. */
  namespace: string;
  /** Of the API of each Fabio; none: those that Consul has as the service `fabio`. */
  fabio: readonly string[];
  /** Those of Nomad that instances may be in; none: all that have nodes. */
  datacenters?: readonly string[];
  /** The keys of Consul that deployments write, of apps whose jobs take their image's tag from there. */
  keys?: readonly string[];
  /** What Fabio's tags begin with; undefined: as Fabio has it by itself. */
  tagPrefix?: string | undefined;
  /** The apps with their repositories of images, and how these are looked at; undefined: nothing is known of apps. */
  images?: { apps: ReadonlyArray<{ app: string; repository: string }>; look: RepositoryLook };
  clock: Clock;
}

/** Looks at the whole set-up of a cluster: what is well, and what to mend. Changes nothing. Rejects only with the reason of the signal. */
export async function examineCluster(cluster: Cluster, signal: AbortSignal): Promise<DoctorReport> {
  const { nomad, consul, addresses, namespace, fabio, tagPrefix = URL_PREFIX, images, clock } = cluster;
  const { datacenters = [], keys = [] } = cluster;
  const hasConsulToken = consul.acl.hasToken;
  const ofNomad = checkNomad({ nomad, address: addresses.nomad, namespace, datacenters, hasConsulToken, signal });
  const ofConsul = await checkConsul(consul, { address: addresses.consul, keys, signal });
  const isThere = ofConsul.checks.length > 1;
  const trouble = new Findings("services");
  const servicesAgain = () => routedServices(consul, tagPrefix, signal);
  const services = isThere ? await trouble.ask("the services of Consul", signal, servicesAgain) : undefined;
  // Addresses that were given can be asked whether or not Consul is there.
  const canAsk = isThere || fabio.length > 0;
  const ofFabio = canAsk
    ? await checkFabio({ consul, addresses: fabio, services, servicesAgain, clock, signal })
    : undefined;
  const ofServices = services === undefined ? trouble : checkServices(services, tagPrefix);
  const ofRegistries =
    images === undefined ? undefined : await checkRegistries(images.apps, images.look, { clock, signal });
  const all = [await ofNomad, ofConsul, ofFabio, ofServices, ofRegistries];
  return { checks: all.flatMap((findings) => findings?.checks ?? []) };
}
