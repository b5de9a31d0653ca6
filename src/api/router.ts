import { SteppeError } from "../shared/errors.ts";
import { withoutWebhookToken } from "../shared/without-webhook-token.ts";
import type { Exchange } from "./exchange.ts";

export interface Route {
  /** `GET`, …; `*` is any. */
  method: string;
  /** `/v1/apps/:app/releases`: a name after a colon is one part of the path; a last `*` is the rest of it. */
  path: string;
  /** Who may: all who reach it, or whoever has the token; `git` checks for itself, since an app's push token opens it too. */
  access: "open" | "token" | "git";
  handle(exchange: Exchange): Promise<void> | void;
}

export interface Match {
  route: Route;
  params: Record<string, string>;
}

/** Finds the route of a request. Few routes, and none that could be taken for another: tried one after another. */
export class Router {
  readonly #routes: Array<{ route: Route; pattern: RegExp }>;

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, pattern: compile(route.path) }));
  }

  /** Throws NOT_FOUND, METHOD_NOT_ALLOWED. */
  find(method: string, path: string): Match {
    const found = this.#routes.flatMap(({ route, pattern }) => {
      const groups = pattern.exec(path)?.groups;
      return groups === undefined ? [] : [{ route, groups }];
    });
    const match = found.find(({ route }) => route.method === method || route.method === "*");
    if (match !== undefined) return { route: match.route, params: decode(match.groups, path) };
    if (found.length === 0) throw notFound(path);
    const allowed = found.map(({ route }) => route.method).join(", ");
    const cause = `it takes ${allowed}`;
    throw new SteppeError("METHOD_NOT_ALLOWED", { operation: "answer", subject: `${method} ${path}`, cause });
  }
}

function compile(path: string): RegExp {
  const pattern = path
    .replaceAll(".", "\\.")
    .replaceAll(/:([a-z]+)/g, "(?<$1>[^/]+?)")
    .replace(/\*$/, "(?<rest>.*)");
  return new RegExp(`^(?<whole>${pattern})$`);
}

function decode(groups: Record<string, string>, path: string): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    throw notFound(path); // a lone `%`
  }
}

function notFound(path: string): SteppeError {
  const subject = withoutWebhookToken(path).slice(0, 200);
  return new SteppeError("NOT_FOUND", { operation: "answer", subject, cause: "there is no such address" });
}
