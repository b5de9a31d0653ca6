import { env } from "node:process";
import type { TestContext } from "vitest";
import { isLoopback } from "../../src/shared/loopback.ts";
import { httpGet } from "./http-get.ts";

const NAMES = ["NOMAD_ADDR", "CONSUL_HTTP_ADDR", "FABIO_ADDR", "REGISTRY_ADDR"] as const;

export type ClusterAddresses = Record<(typeof NAMES)[number], string>;

/** The addresses of a real cluster; skips the test without one. One that may be somebody's is not touched. */
export function clusterAddresses(context: TestContext): ClusterAddresses {
  const found = Object.fromEntries(NAMES.map((name) => [name, env[name] ?? ""])) as Record<
    (typeof NAMES)[number],
    string
  >;
  const missing = NAMES.filter((name) => found[name] === "");
  if (missing.length > 0) context.skip(`wants a cluster for tests: ${missing.join(", ")}`);
  for (const [name, address] of Object.entries(found)) {
    if (!isLoopback(address.includes("://") ? address : `http://${address}`))
      throw new Error(`${name}: tests write only to what is on loopback`);
  }
  return found;
}

/** Status and body of what Fabio gives a visitor. It knows a host with a port for another one. */
export async function clusterPage({ FABIO_ADDR }: ClusterAddresses, host: string): Promise<string> {
  const { status, text } = await httpGet(`http://${FABIO_ADDR}`, { host, path: "/", headers: { host } });
  return `${status} ${text}`;
}
