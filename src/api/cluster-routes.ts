import { SteppeError } from "../shared/errors.ts";
import type { ApiLimits, ApiOptions, ClusterService } from "./api-options.ts";
import type { Exchange } from "./exchange.ts";
import { parseAdoption, parseApproval, parseCount } from "./parse-request.ts";
import { readJson } from "./read-body.ts";
import type { Route } from "./router.ts";

/** The routes of what there is on a cluster only. See types.ts. */
export function clusterRoutes(options: ApiOptions, limits: ApiLimits): Route[] {
  const { deployer, clock } = options;
  const body = ({ request }: Exchange): Promise<unknown> => readJson(request, limits.jsonBytes, limits.jsonMs, clock);
  const route = (
    method: string,
    path: string,
    handle: (exchange: Exchange, cluster: ClusterService) => Promise<void>,
  ): Route => ({
    method,
    path,
    access: "token",
    handle: (exchange) => handle(exchange, requireCluster(options.cluster, exchange)),
  });
  return [
    route("POST", "/v1/apps/:app/promote", async (exchange) => {
      const deployment = parseApproval(await body(exchange));
      exchange.json(200, await deployer.promote(exchange.param("app"), deployment));
    }),
    route("POST", "/v1/apps/:app/reject-canaries", async (exchange) => {
      const deployment = parseApproval(await body(exchange));
      exchange.json(200, deployer.rejectCanaries(exchange.param("app"), deployment));
    }),
    route("GET", "/v1/apps/:app/plan", async (exchange, cluster) => {
      const { query, signal } = exchange;
      const release = parseCount(query.get("release"), "release", Number.MAX_SAFE_INTEGER);
      const image = query.get("image") ?? undefined;
      if (release !== undefined && image !== undefined) throw bothGiven();
      exchange.json(200, await cluster.plan(exchange.param("app"), { release, image }, signal));
    }),
    route("GET", "/v1/apps/:app/drift", async (exchange, cluster) => {
      exchange.json(200, (await cluster.drift(exchange.param("app"))) ?? null);
    }),
    route("POST", "/v1/apps/:app/drift/overwrite", async (exchange, cluster) => {
      exchange.json(200, (await cluster.overwriteDrift(exchange.param("app"))) ?? null);
    }),
    route("GET", "/v1/cluster/drift", async (exchange, cluster) => exchange.json(200, await cluster.drifts())),
    route("GET", "/v1/cluster/doctor", async (exchange, cluster) => {
      exchange.json(200, await cluster.doctor(exchange.signal));
    }),
    route("POST", "/v1/cluster/adopt", async (exchange, cluster) => {
      exchange.json(200, await cluster.adopt(parseAdoption(await body(exchange))));
    }),
  ];
}

function requireCluster(cluster: ClusterService | null, { path }: Exchange): ClusterService {
  if (cluster !== null) return cluster;
  throw new SteppeError("CLUSTER_MISSING", { operation: "answer", subject: path, cause: "this server has no cluster" });
}

function bothGiven(): SteppeError {
  const cause = "give one of `release` and `image`";
  return new SteppeError("USAGE", { operation: "read", subject: "the request", cause, hint: "Correct the request." });
}
