import type { IngressConfig } from "./ingress-config.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { ProbeAnswer, ProbeRequest } from "./snapshot/index.ts";

/**
 * What control says to an ingress process over its Unix socket, a JSON object a line: `{id, operation, parameters}`, answered by
 * `{id, result}` or `{id, error: {code, message}}`. Answers may come in another order than the questions.
 */
export interface ControlOperations {
  /** Who it is, and how it goes. */
  status: { parameters: Record<string, never>; result: IngressStatus };
  /** Phase 1: reads the snapshot that is to come, and what is new in it. */
  prepare: { parameters: { generation: number }; result: Record<string, never> };
  /** Phase 2: serves what was prepared. */
  switch: { parameters: { generation: number }; result: Record<string, never> };
  /** Forgets what was prepared. */
  discard: { parameters: Record<string, never>; result: Record<string, never> };
  /** Serves what is on disk now. */
  reload: { parameters: Record<string, never>; result: { generation: number } };
  /** Begins to accept connections. */
  accept: { parameters: Record<string, never>; result: IngressAddresses };
  /** Asks a release through the code that answers visitors. */
  probe: { parameters: ProbeRequest; result: Omit<ProbeAnswer, "process"> };
  /** Starts a sibling or successor that inherits the listening sockets that are named. Answered when its socket can be connected to. */
  spawn: { parameters: SpawnRequest; result: { pid: number } };
  /** Stops accepting, answers what is on the way, and ends. Answered at once; the end of the process is the end of the connection. */
  drain: { parameters: DrainTimes; result: Record<string, never> };
}

export type OperationName = keyof ControlOperations;

export interface IngressAddresses {
  http: ListenAddress;
  https: ListenAddress;
}

export interface IngressStatus {
  pid: number;
  id: string;
  slot: number;
  buildId: string;
  /** The version of site indexes that it can answer from; left out by those that knew one only. */
  siteVersion?: number;
  /** Milliseconds since 1970. */
  startedAt: number;
  state: "waiting" | "accepting" | "draining";
  /** Once it accepts. */
  addresses: IngressAddresses | null;
  generation: number;
  connections: number;
  /** Since it started. */
  requests: number;
}

/** The program to start, and what to hand to it. */
export interface SpawnRequest {
  /** The Node that is to run, its flags, and the script. */
  execPath: string;
  execArgv: string[];
  script: string;
  config: IngressConfig;
  inherit: { http: boolean; https: boolean };
}

export interface DrainTimes {
  /** After so long, in milliseconds, connections on which nothing is on the way are ended. */
  idleMs: number;
  /** After so long, in milliseconds, the process ends whatever is on the way. */
  mostMs: number;
}

/** An operation with its parameters, as one type of each. */
export type ControlRequest = {
  [Name in OperationName]: { id: number; operation: Name; parameters: ControlOperations[Name]["parameters"] };
}[OperationName];

export type ControlAnswer = { id: number; result: unknown } | { id: number; error: { code: string; message: string } };
