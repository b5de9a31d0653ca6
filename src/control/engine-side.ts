import type { ClusterService } from "../api/index.ts";
import type { ProcessStatus } from "../api/types.ts";
import type { Builder } from "../builds/index.ts";
import type { UpOptions } from "../config/index.ts";
import type { ContentPort, DeployEngine, Deployer, RegistryPort } from "../deployer/index.ts";
import type { ImageStore, RegistryAccess } from "../images/index.ts";
import type { DataPaths, Store } from "../store/index.ts";
import type { Surroundings } from "./start-platform.ts";

/** What the engine decides: what runs instances, what their images are, and what visitors connect to. */
export interface EngineSide {
  /** Where sites are served; null: not by Steppe. */
  readonly sites: { http: string; https: string } | null;
  /** Joins it with the rooms that deployments need; once. */
  join(parts: EngineParts): JoinedEngine;
  /** Whether the end of control, which comes next, is that of the ingress, too; of `mine`, if this process began it for itself alone. */
  endsWith(withIngress: boolean | "mine"): void;
}

/** What it is begun with. */
export interface SideParts {
  options: UpOptions;
  paths: DataPaths;
  surroundings: Surroundings;
  /** Opens the store at the first call. */
  contents(): { store: Store; images: ImageStore };
  /** What was begun is ended by it. */
  ending: AsyncDisposableStack;
}

export interface EngineParts {
  store: Store;
  images: ImageStore;
  builder: Builder;
  registries: RegistryAccess;
}

export interface JoinedEngine {
  engine: DeployEngine;
  content: ContentPort;
  isCluster: boolean;
  /** Resolves when visitors of each of these domains are given a certificate, if that is for Steppe to see to. */
  ensureCertificates(domains: readonly string[]): Promise<void>;
  /** Makes the API, and with webhooks the listener for them, reachable by the host name that was asked for, if one was. */
  routeControl(withWebhooks: boolean): Promise<void>;
  /** The ingress processes that live. */
  ingress(): Promise<Array<Pick<ProcessStatus, "pid" | "startedAt">>> | Array<Pick<ProcessStatus, "pid" | "startedAt">>;
  /** Throws INGRESS_MISSING where there is none. */
  replaceIngress(): Promise<void>;
  /** The local CA's certificate, PEM. Throws INGRESS_MISSING where there is none. */
  ca(): string;
  /** What people may ask of a cluster; null on one machine. */
  cluster(parts: { deployer: Deployer; registry: RegistryPort }): ClusterService | null;
  /** What goes on until the signal aborts; resolves then. */
  run(signal: AbortSignal): Promise<void>;
}
