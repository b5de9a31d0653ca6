import { hostname } from "node:os";
import { SteppeError } from "../shared/errors.ts";
import { isLoopback } from "../shared/loopback.ts";
import type { SenderAddress } from "../webhooks/index.ts";
import type { ApiLimits, ApiOptions } from "./api-options.ts";
import type { Exchange } from "./exchange.ts";
import { parseCount, parseNewWebhook, parseRotation } from "./parse-request.ts";
import { readJson } from "./read-body.ts";
import type { Route } from "./router.ts";
import { seenFrom } from "./seen-from.ts";

const MOST_DELIVERIES = 1000;

/** The routes of webhooks and of what they brought. See types.ts. */
export function webhookRoutes(options: ApiOptions, limits: ApiLimits): Route[] {
  const { webhooks, clock } = options;
  const body = ({ request }: Exchange): Promise<unknown> => readJson(request, limits.jsonBytes, limits.jsonMs, clock);
  const route = (method: string, path: string, handle: Route["handle"]): Route => {
    return { method, path, access: "token", handle };
  };
  return [
    route("GET", "/v1/webhooks", (exchange) => exchange.json(200, webhooks.list())),
    route("POST", "/v1/webhooks", async (exchange) => {
      const wanted = parseNewWebhook(await body(exchange));
      exchange.json(201, await webhooks.add(wanted, () => addressFor(exchange, options)));
    }),
    route("GET", "/v1/webhooks/:webhook", (exchange) => exchange.json(200, webhooks.get(exchange.param("webhook")))),
    route("DELETE", "/v1/webhooks/:webhook", async (exchange) => {
      await webhooks.remove(exchange.param("webhook"));
      exchange.nothing();
    }),
    route("POST", "/v1/webhooks/:webhook/rotate", async (exchange) => {
      const rotation = parseRotation(await body(exchange));
      exchange.json(
        200,
        webhooks.rotate(exchange.param("webhook"), rotation, () => addressFor(exchange, options)),
      );
    }),
    route("POST", "/v1/webhooks/:webhook/finish-rotation", (exchange) =>
      exchange.json(200, webhooks.finishRotation(exchange.param("webhook"))),
    ),
    route("POST", "/v1/webhooks/:webhook/test", async (exchange) =>
      exchange.json(200, await webhooks.test(exchange.param("webhook"), exchange.signal)),
    ),
    route("GET", "/v1/deliveries", (exchange) => {
      const { query } = exchange;
      const webhook = query.get("webhook");
      const before = parseCount(query.get("before"), "before", Number.MAX_SAFE_INTEGER);
      const limit = parseCount(query.get("limit"), "limit", MOST_DELIVERIES) ?? 20;
      exchange.json(
        200,
        webhooks.deliveries({
          limit,
          ...(webhook === null ? {} : { webhook }),
          ...(before === undefined ? {} : { before }),
        }),
      );
    }),
    route("POST", "/v1/deliveries/:delivery/redeliver", async (exchange) => {
      const id = parseCount(exchange.param("delivery"), "delivery", Number.MAX_SAFE_INTEGER) ?? 0;
      exchange.json(202, await webhooks.redeliver(id));
    }),
  ];
}

const OWN_CA =
  "The certificate of that address is of Steppe's own CA, which public senders do not know: see docs/webhooks.md.";
const LOCAL = "That address is of this machine alone. For senders elsewhere see docs/webhooks.md.";
const PLAIN = "That address has no HTTPS: whoever is on the way can read what is sent. See docs/webhooks.md.";

/**
 * The address that senders are given: what a person said that it is; else on the API's host name, which is reached by HTTPS through the
 * ingress, if there is one; else the listener's own, with this machine's name where it listens on every address.
 */
function addressFor(exchange: Exchange, { addresses, apiHost, webhooksUrl }: ApiOptions): SenderAddress {
  if (webhooksUrl !== null) return { base: `${webhooksUrl}/hooks/`, note: null };
  const known = addresses();
  const { webhooks } = seenFrom(exchange, known);
  if (webhooks === null) {
    const cause = "nothing listens for deliveries";
    throw new SteppeError("RECEIVER_UNAVAILABLE", { operation: "tell", subject: "the address of webhooks", cause });
  }
  if (webhooks !== known.webhooks) return { base: webhooks, note: OWN_CA }; // who asks came by the host name
  if (apiHost !== null && known.https !== null) {
    const { port } = new URL(known.https);
    return { base: `https://${apiHost}${port === "" ? "" : `:${port}`}/hooks/`, note: OWN_CA };
  }
  if (isLoopback(webhooks)) return { base: webhooks, note: LOCAL };
  const base = webhooks.replace(/^http:\/\/(?:\[::\]|0\.0\.0\.0)(?=[:/])/, `http://${hostname()}`);
  return { base, note: PLAIN };
}
