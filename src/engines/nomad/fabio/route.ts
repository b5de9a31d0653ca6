/** Where Fabio routes to a service: what a tag such as `urlprefix-blog.example.com/ strip=/x` says. */
export interface FabioRoute {
  /** In lower case, perhaps with `*` in it and a port; empty is any host. Of a TCP route it is empty. */
  host: string;
  /** Begins with `/`; of a TCP route it is empty. */
  path: string;
  /** Of a TCP route, the port that Fabio listens on. */
  port: number | undefined;
  /** What follows, in the order of the tag: `["strip", "/x"]`. */
  options: Array<[name: string, value: string]>;
}

/**
 * Whose visitors a route is about: two services with the same key take them from each other, some at least. A port that the scheme has anyway is as none, and `*` any host as
 * none is.
 */
export function routeKey({ host, path, port }: Pick<FabioRoute, "host" | "path" | "port">): string {
  if (port !== undefined) return `:${port}`;
  const bare = host.replace(/:(80|443)$/, "");
  return `${bare === "*" ? "" : bare}${path}`;
}

/**
 * By what Fabio tells routes apart in its table. There a host with a port is another than without: visitors of plain HTTP are sent by `blog.example.com:80/`, if it is there, and
 * all others by `blog.example.com/`.
 */
export function tableKey({ host, path, port }: Pick<FabioRoute, "host" | "path" | "port">): string {
  return port === undefined ? `${host}${path}` : `:${port}`;
}

/** Whether Fabio answers its visitors itself, with another address. */
export function isRedirect({ options }: Pick<FabioRoute, "options">): boolean {
  return options.some(([name]) => name === "redirect");
}
