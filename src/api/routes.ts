import type { ApiLimits, ApiOptions } from "./api-options.ts";
import { appView } from "./app-view.ts";
import type { Exchange } from "./exchange.ts";
import {
  parseApply,
  parseApproval,
  parseCount,
  parseDeploy,
  parseNewApp,
  parsePause,
  parseRollback,
} from "./parse-request.ts";
import { readJson } from "./read-body.ts";
import type { Route } from "./router.ts";
import { seenFrom } from "./seen-from.ts";

/** The routes that answer JSON, or nothing. See types.ts. */
export function jsonRoutes(options: ApiOptions, limits: ApiLimits): Route[] {
  const { deployer, addresses, clock } = options;
  const bodyUpTo = ({ request }: Exchange, bytes: number) => readJson(request, bytes, limits.jsonMs, clock);
  const body = (exchange: Exchange): Promise<unknown> => bodyUpTo(exchange, limits.jsonBytes);
  const drifted = async (app?: string) => await options.cluster?.drifted(app);
  const view = async (name: string, exchange: Exchange) =>
    appView(deployer.app(name), deployer, seenFrom(exchange, addresses()), await drifted(name));
  const allViews = async (exchange: Exchange) => {
    const changed = await drifted();
    return deployer.apps().map((app) => appView(app, deployer, seenFrom(exchange, addresses()), changed));
  };

  const route = (method: string, path: string, handle: (exchange: Exchange) => Promise<void> | void): Route => {
    return { method, path, access: "token", handle };
  };
  return [
    { method: "GET", path: "/healthz", access: "open", handle: (exchange) => exchange.nothing() },
    {
      method: "GET",
      path: "/v1/ca",
      access: "open",
      handle: (exchange) => exchange.text(200, "application/x-pem-file", options.ca()),
    },
    route("GET", "/v1/status", async (exchange) => {
      const status = await options.status();
      const seen = seenFrom(exchange, status.addresses);
      exchange.json(200, { ...status, addresses: seen, apps: await allViews(exchange) });
    }),
    route("GET", "/v1/apps", async (exchange) => exchange.json(200, await allViews(exchange))),
    route("POST", "/v1/apps", async (exchange) => {
      const app = await deployer.addApp(await parseNewApp(await body(exchange)));
      exchange.json(201, await view(app.definition.name, exchange));
    }),
    route("POST", "/v1/apply", async (exchange) => {
      const { definitions, dryRun, prune } = await parseApply(await bodyUpTo(exchange, limits.applyBytes));
      const { requestId } = exchange;
      exchange.json(200, await deployer.apply(definitions, { dryRun, prune, requestId }));
    }),
    route("GET", "/v1/apps/:app", async (exchange) => exchange.json(200, await view(exchange.param("app"), exchange))),
    route("DELETE", "/v1/apps/:app", async (exchange) => {
      await deployer.removeApp(exchange.param("app"));
      exchange.nothing();
    }),
    route("GET", "/v1/apps/:app/removal", async (exchange) => {
      const { name } = deployer.app(exchange.param("app")).definition;
      exchange.json(200, (await options.cluster?.removal(name)) ?? { app: name, job: null, isStopped: false });
    }),
    route("GET", "/v1/apps/:app/releases", (exchange) => {
      const { definition } = deployer.app(exchange.param("app"));
      exchange.json(200, deployer.releases(definition.name));
    }),
    route("GET", "/v1/apps/:app/deployments", (exchange) => {
      const limit = parseCount(exchange.query.get("limit"), "limit", 1000) ?? 20;
      const { definition } = deployer.app(exchange.param("app"));
      exchange.json(200, deployer.deployments(definition.name, limit));
    }),
    route("POST", "/v1/apps/:app/deployments", async (exchange) => {
      const { what, noGrace } = parseDeploy(await body(exchange));
      const app = exchange.param("app");
      const how = { requestId: exchange.requestId, noGrace, signal: exchange.signal };
      const deployment =
        "image" in what ? await deployer.deployImage(app, what.image, how) : await deployer.deployRef(app, what, how);
      exchange.json(202, deployment);
    }),
    route("POST", "/v1/apps/:app/rollback", async (exchange) => {
      const { release, noGrace } = parseRollback(await body(exchange));
      const { requestId } = exchange;
      exchange.json(202, await deployer.rollback(exchange.param("app"), release, { requestId, noGrace }));
    }),
    route("POST", "/v1/apps/:app/approve", async (exchange) => {
      const deployment = parseApproval(await body(exchange));
      exchange.json(200, deployer.approve(exchange.param("app"), deployment));
    }),
    route("POST", "/v1/apps/:app/reject", async (exchange) => {
      const deployment = parseApproval(await body(exchange));
      exchange.json(200, deployer.reject(exchange.param("app"), deployment));
    }),
    route("POST", "/v1/apps/:app/pause", async (exchange) => {
      deployer.pause(exchange.param("app"), parsePause(await body(exchange)));
      exchange.json(200, await view(exchange.param("app"), exchange));
    }),
    route("POST", "/v1/apps/:app/resume", async (exchange) => {
      deployer.resume(exchange.param("app"));
      exchange.json(200, await view(exchange.param("app"), exchange));
    }),
    route("POST", "/v1/apps/:app/purge", async (exchange) => {
      const { definition } = deployer.app(exchange.param("app"));
      await deployer.purge(definition.name);
      exchange.nothing();
    }),
    route("GET", "/v1/deployments/:deployment", (exchange) => {
      exchange.json(200, deployer.deployment(deploymentId(exchange)));
    }),
    route("POST", "/v1/ingress/replace", async (exchange) => {
      await options.replaceIngress();
      exchange.nothing();
    }),
    route("POST", "/v1/gc", async (exchange) => exchange.json(200, await deployer.collectGarbage())),
  ];
}

/** Throws USAGE. */
export function deploymentId(exchange: Exchange): number {
  return parseCount(exchange.param("deployment"), "deployment", Number.MAX_SAFE_INTEGER) ?? 0;
}
