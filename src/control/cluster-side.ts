import { join } from "node:path";
import { LAYER_CACHE } from "../builds/index.ts";
import { consulOptions, consulToken, openConsul } from "../consul/index.ts";
import { createNomadEngine } from "../engines/nomad/index.ts";
import { nomadOptions, openNomad } from "../nomad-api/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { describeEndpoint } from "../shared/http-api/endpoint.ts";
import { KeyedAppTable, NomadJobTable } from "../store/index.ts";
import { clusterContent } from "./cluster-content.ts";
import { Cluster } from "./cluster-service.ts";
import type { EngineSide, SideParts } from "./engine-side.ts";
import { noIngress } from "./no-ingress.ts";
import { registryPort } from "./registry-port.ts";
import { siteBase } from "./site-base.ts";

/**
 * A cluster of Nomad and Consul runs the apps, and visitors connect to its Fabio: there is no ingress here, and no certificate. The cluster need not be there yet.
 * Throws ENVIRONMENT_INVALID, REFERENCE_INVALID.
 */
export function clusterSide({ options, paths, surroundings: { clock, log } }: SideParts): EngineSide {
  const { datacenters, fabio, tagPrefix, siteBase: base } = options.cluster;
  const ofNomad = nomadOptions(process.env);
  const ofConsul = consulOptions(process.env);
  if (ofNomad.namespace === "*") throw allNamespaces();
  const nomad = openNomad(ofNomad, { clock, consulToken: consulToken(ofConsul) });
  const consul = openConsul(ofConsul, { clock });
  const sites = siteBase(base);
  const settings = {
    datacenters,
    namespace: ofNomad.namespace,
    region: ofNomad.region,
    tagPrefix: tagPrefix ?? undefined,
  };
  return {
    sites: null,
    endsWith() {}, // what runs, Nomad runs
    join({ store, images, builder, registries }) {
      const jobs = new NomadJobTable(store);
      const keyed = {
        table: new KeyedAppTable(store),
        async resolve(reference: string, signal: AbortSignal): Promise<string | undefined> {
          using registry = await registryPort(registries).open();
          return await registry.resolve(reference, signal);
        },
      };
      const engine = createNomadEngine({ nomad, consul, settings, fabio, table: jobs, keyed, clock, log });
      const layerFile = join(paths.cache, LAYER_CACHE);
      return {
        isCluster: true,
        engine,
        content: clusterContent({ builder, images, registries, siteBase: sites, layerFile, log }),
        ensureCertificates: () => Promise.resolve(),
        routeControl: () => Promise.resolve(),
        ingress: () => [],
        replaceIngress: () => Promise.reject(noIngress("replace", "the ingress")),
        ca() {
          throw noIngress("show", "the local CA");
        },
        cluster: ({ deployer, registry }) =>
          new Cluster({
            engine,
            nomad,
            consul,
            addresses: { nomad: describeEndpoint(ofNomad.endpoint), consul: describeEndpoint(ofConsul.endpoint) },
            settings,
            fabio,
            jobs,
            deployer,
            registry,
            clock,
            log,
          }),
        run: (signal) => engine.run(signal),
      };
    },
  };
}

function allNamespaces(): SteppeError {
  return new SteppeError("ENVIRONMENT_INVALID", {
    operation: "read",
    subject: "NOMAD_NAMESPACE",
    cause: "`*` are all namespaces, and jobs are registered in one",
    hint: "Name one, or leave it out for `default`.",
  });
}
