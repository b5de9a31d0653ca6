import { SteppeError } from "../shared/errors.ts";
import { answerThrough, withoutPasswords } from "../sources/index.ts";
import type { Access } from "./access.ts";
import type { ApiOptions } from "./api-options.ts";
import type { Exchange } from "./exchange.ts";
import { followPush } from "./follow-push.ts";
import type { Route } from "./router.ts";

/** Git's smart HTTP: `/git/APP.git/…`. */
export function gitRoute(options: ApiOptions, access: Access): Route {
  return { method: "*", path: "/git/*", access: "git", handle: (exchange) => serve(exchange, options, access) };
}

/** Both requests of a push name the service: https://git-scm.com/docs/http-protocol */
function isPush(url: string): boolean {
  return url.includes("git-receive-pack");
}

async function serve(exchange: Exchange, { git, deployer }: ApiOptions, access: Access): Promise<void> {
  const { request, response, requestId, log, signal } = exchange;
  const [, app = "", path = ""] = /^([a-z0-9][a-z0-9-]{0,62})\.git(\/.*)$/.exec(exchange.param("rest")) ?? [];
  access.requirePush(exchange, app);
  if (app === "") {
    const cause = "there is no such address";
    throw new SteppeError("NOT_FOUND", { operation: "serve", subject: exchange.path, cause });
  }
  const { repository } = deployer.app(app).definition;
  if (repository !== null && isPush(request.url ?? "")) {
    throw new SteppeError("PUSH_REFUSED", {
      operation: "push to",
      subject: app,
      cause: `its repository lives elsewhere, at ${withoutPasswords(repository)}`,
      hint: `Push there; \`steppe deploy ${app} --tag TAG\` then asks it at once.`,
    });
  }
  await git.serve({
    app,
    method: request.method ?? "GET",
    path,
    query: request.url?.split("?", 2)[1] ?? "",
    headers: request.headers,
    body: request as AsyncIterable<Uint8Array>,
    answer: answerThrough(response),
    signal,
    onReceived: async (say, gone) => {
      const failure = await followPush(deployer, app, requestId, say, gone);
      if (failure !== undefined) log.error({ app, err: failure }, "what was pushed could not be deployed");
    },
  });
}
