/**
 * The name of a host as routes are looked up by it: lower case, without the port and a trailing dot.
 *
 * @param header the value of `Host`, or the authority of an absolute target
 * @returns "" if there is none, or if it is no name that a route could have
 */
export function hostName(header: string | undefined): string {
  if (header === undefined) return "";
  const match = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_.-]{1,254}))(?::\d{0,5})?$/i.exec(header);
  const name = (match?.[1] ?? match?.[2] ?? "").toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** What a host is looked up by, in order: itself, `*.` for its first label, and `*`. */
export function lookUpHost<Value>(byHost: ReadonlyMap<string, Value>, host: string): Value | undefined {
  const exact = byHost.get(host);
  if (exact !== undefined) return exact;
  const dot = host.indexOf(".");
  const wildcard = dot > 0 ? byHost.get(`*${host.slice(dot)}`) : undefined;
  return wildcard ?? byHost.get("*");
}
