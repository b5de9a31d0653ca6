import { SteppeError, toSteppeError } from "../shared/errors.ts";
import type { ApiLimits, ApiOptions } from "./api-options.ts";
import type { Exchange } from "./exchange.ts";
import { parseImagePush, parseReferenceBody } from "./parse-request.ts";
import { readJson } from "./read-body.ts";
import type { Route } from "./router.ts";
import type { ImageEvent } from "./types.ts";
import { withHeartbeats } from "./with-heartbeats.ts";

/** The routes of images. What takes a while answers with lines of JSON: what is going on, and at the end what came of it. See types.ts. */
export function imageRoutes(options: ApiOptions, limits: ApiLimits): Route[] {
  const { images, clock } = options;
  const body = ({ request }: Exchange): Promise<unknown> => readJson(request, limits.jsonBytes, limits.jsonMs, clock);
  const route = (method: string, path: string, handle: Route["handle"]): Route => {
    return { method, path, access: "token", handle };
  };
  const tell = (exchange: Exchange, work: (progress: (message: string) => void) => Promise<ImageEvent>) =>
    exchange.stream(
      "application/x-ndjson",
      withHeartbeats(told(work), "\n", limits.heartbeatMs, clock, exchange.signal),
    );
  return [
    route("GET", "/v1/images", (exchange) => exchange.json(200, images.list())),
    route("GET", "/v1/images/inspect", async (exchange) => {
      const wanted = exchange.query.get("of");
      if (wanted === null) {
        const parts = { operation: "inspect", subject: "an image", cause: "`of` does not say which" };
        throw new SteppeError("USAGE", { ...parts, hint: "Give a digest or a reference." });
      }
      exchange.json(200, await images.inspect(wanted, exchange.signal));
    }),
    route("POST", "/v1/images/pull", async (exchange) => {
      const { reference } = parseReferenceBody(await body(exchange));
      const { signal } = exchange;
      await tell(exchange, async (progress) => ({ image: await images.pull(reference, { progress, signal }) }));
    }),
    route("POST", "/v1/images/push", async (exchange) => {
      const { digest, reference } = parseImagePush(await body(exchange));
      const { signal } = exchange;
      await tell(exchange, async (progress) => ({
        pushed: await images.push(digest, reference, { progress, signal }),
      }));
    }),
  ];
}

/** What is going on, as lines: of what comes faster than it is sent, the last. The end is what came of it, or the error. */
async function* told(work: (progress: (message: string) => void) => Promise<ImageEvent>): AsyncGenerator<string> {
  let waiting: string | undefined;
  let wake = Promise.withResolvers<void>();
  const working = work((message) => {
    waiting = message;
    wake.resolve();
  }).catch((error: unknown): ImageEvent => ({ error: toSteppeError(error, "work on", "an image").toJSON() }));
  let end: ImageEvent | undefined;
  void working.then((outcome) => {
    end = outcome;
    wake.resolve();
  });
  while (end === undefined) {
    await wake.promise;
    wake = Promise.withResolvers<void>();
    if (waiting !== undefined) yield line({ message: waiting });
    waiting = undefined;
  }
  yield line(end);
}

function line(event: ImageEvent): string {
  return `${JSON.stringify(event)}\n`;
}
