import { isLoopback } from "../../../src/shared/loopback.ts";
import type { Versions } from "./cluster.ts";
import type { Upstreams } from "./recorder.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that name a cluster, and what each names. */
export const CLUSTER_VARIABLES = {
  NOMAD_ADDR: "the API of a Nomad agent that is server and client, with the driver `docker`",
  CONSUL_HTTP_ADDR: "the API of the Consul agent that Nomad works with",
  FABIO_API: "the API of a Fabio that reads that Consul",
  FABIO_ADDR: "where that Fabio takes visitors",
  REGISTRY_ADDR: "a registry that Nomad's Docker fetches images from",
} as const;

/** Those without which there is no real cluster. */
export function missingVariables(env: Environment): string[] {
  return Object.keys(CLUSTER_VARIABLES).filter((name) => (env[name] ?? "") === "");
}

/** Where a cluster's APIs are. Throws if one is not on this machine's loopback, and so may be somebody's. */
export function upstreamsOf(env: Environment): Upstreams {
  return {
    nomad: addressOf("NOMAD_ADDR", env),
    consul: addressOf("CONSUL_HTTP_ADDR", env),
    fabio: addressOf("FABIO_API", env),
    visitor: addressOf("FABIO_ADDR", env),
  };
}

/** `127.0.0.1:PORT` */
export function registryOf(env: Environment): string {
  return new URL(addressOf("REGISTRY_ADDR", env)).host;
}

export async function readVersions({ nomad, consul, fabio }: Upstreams): Promise<Versions> {
  const self = (await readJson(`${nomad}/v1/agent/self`)) as { config: { Version: { Version: string } } };
  const agent = (await readJson(`${consul}/v1/agent/self`)) as { Config: { Version: string } };
  const version = await fetch(`${fabio}/api/version`).then((answer) => answer.text());
  return { nomad: self.config.Version.Version, consul: agent.Config.Version, fabio: version.trim() };
}

export async function readJson(url: string): Promise<unknown> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return await answer.json();
}

function addressOf(name: string, env: Environment): string {
  const text = env[name] ?? "";
  const address = text.includes("://") ? text : `http://${text}`;
  if (!isLoopback(address)) throw new Error(`${name}: tests write only to what is on loopback`);
  return address.replace(/\/$/, "");
}
