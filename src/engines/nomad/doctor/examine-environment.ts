import { consulOptions, openConsul } from "../../../consul/index.ts";
import { nomadOptions, openNomad } from "../../../nomad-api/index.ts";
import type { Clock } from "../../../shared/clock.ts";
import { describeEndpoint } from "../../../shared/http-api/endpoint.ts";
import type { Environment } from "../../../shared/http-api/environment.ts";
import { examineCluster } from "./examine-cluster.ts";
import type { DoctorReport } from "./report.ts";

/** Looks at the cluster that an environment names (`NOMAD_ADDR`, `CONSUL_HTTP_ADDR`, …), without a server of Steppe. Throws ENVIRONMENT_INVALID. */
export async function examineEnvironment(
  environment: Environment,
  {
    fabio,
    tagPrefix,
    clock,
    signal,
  }: { fabio: readonly string[]; tagPrefix?: string | undefined; clock: Clock; signal: AbortSignal },
): Promise<DoctorReport> {
  const [ofNomad, ofConsul] = [nomadOptions(environment), consulOptions(environment)];
  using nomad = openNomad(ofNomad, { clock, retry: { attempts: 1 } });
  using consul = openConsul(ofConsul, { clock, retry: { attempts: 1 } });
  const addresses = { nomad: describeEndpoint(ofNomad.endpoint), consul: describeEndpoint(ofConsul.endpoint) };
  const namespace = ofNomad.namespace ?? "default";
  const cluster = { nomad, consul, addresses, namespace, fabio, tagPrefix, clock };
  return await examineCluster(cluster, signal);
}
