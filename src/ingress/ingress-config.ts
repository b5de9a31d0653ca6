import { join } from "node:path";
import { type ConnectionLimits, defaultConnectionLimits } from "../site-server/index.ts";
import type { ListenAddress } from "./listen-address.ts";

/** Time and size limits of an ingress process. Milliseconds and bytes. */
export interface IngressLimits extends ConnectionLimits {
  /** Without movement for so long, a request to control is given up: a build may be silent for long. */
  proxyStalledMs: number;
  /** Small bodies in memory, per process. */
  bodyCacheBytes: number;
  /** Site indexes in memory, per process. */
  indexCacheBytes: number;
  /** TLS contexts in memory, per process: 32 KB each. */
  tlsContexts: number;
  /** Size at which an access log is rotated. */
  accessLogBytes: number;
}

export const defaultLimits: Readonly<IngressLimits> = Object.freeze({
  ...defaultConnectionLimits,
  proxyStalledMs: 3_600_000,
  bodyCacheBytes: 8 << 20,
  indexCacheBytes: 256 << 20,
  tlsContexts: 200,
  accessLogBytes: 16 << 20,
});

export interface ListenerConfig {
  address: ListenAddress;
  /** An inherited descriptor that listens already, or null: then the address is bound. */
  fd: number | null;
}

/** With what an ingress process is started, as JSON in its first argument. */
export interface IngressConfig {
  /** Unique among those of a data folder; names its socket. */
  id: string;
  /** 0, 1, …: names its access log. A successor has the slot of the one that it replaces. */
  slot: number;
  /** Of the program that runs. */
  buildId: string;
  /** Absolute. */
  dataFolder: string;
  http: ListenerConfig;
  https: ListenerConfig;
  /** Whether it accepts connections at once, or waits to be told: then the one who started it brings it up to date before. */
  accept: "at once" | "when told";
  /** A descriptor to which `ready` or an error is written once, or null. */
  readyFd: number | null;
  limits: Partial<IngressLimits>;
}

/** Where things of the ingress are in the data folder. */
export function ingressFolders(dataFolder: string) {
  const ingress = join(dataFolder, "ingress");
  return {
    ingress,
    sites: join(ingress, "sites"),
    certificates: join(ingress, "certificates"),
    packs: join(dataFolder, "packs"),
    logs: join(dataFolder, "logs"),
    run: join(dataFolder, "run"),
  };
}

/** Whoever starts an ingress by hand may leave out what has a default. Throws with the field that is wrong. */
export function parseIngressConfig(text: string | undefined): IngressConfig {
  if (text === undefined) throw new Error("the first argument must be the configuration as JSON");
  const given = JSON.parse(text) as Partial<IngressConfig>;
  const { dataFolder, http, https } = given;
  if (typeof dataFolder !== "string" || !dataFolder.startsWith("/")) throw new Error("dataFolder must be absolute");
  if (http?.address === undefined || https?.address === undefined) throw new Error("http and https must be given");
  if (given.id !== undefined && !/^[\w-]{1,64}$/.test(given.id)) throw new Error("id must be a word");
  return {
    id: given.id ?? `${process.pid}`,
    slot: given.slot ?? 0,
    buildId: given.buildId ?? "unknown",
    dataFolder,
    http: { address: http.address, fd: http.fd ?? null },
    https: { address: https.address, fd: https.fd ?? null },
    accept: given.accept ?? "at once",
    readyFd: given.readyFd ?? null,
    limits: given.limits ?? {},
  };
}
