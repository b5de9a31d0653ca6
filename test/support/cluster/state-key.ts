import type { Service } from "./cluster.ts";
import type { Asked } from "./cluster-recording.ts";
import { pathOf } from "./mutation.ts";

/** Of Nomad and Consul: what is no state of theirs, or belongs to one machine. */
const NO_STATE = [
  /^\/v1\/agent\//,
  /^\/v1\/client\//,
  /^\/v1\/status\//,
  /^\/v1\/event\/stream$/,
  /^\/v1\/regions$/,
  /^\/v1\/operator\//,
];

const INDEX_FIELDS: Partial<Record<Asked, string>> = { nomad: "x-nomad-index", consul: "x-consul-index" };

/** The field of an answer that says as of which change it is; undefined if a server has none. */
export function indexField(asked: Asked): string | undefined {
  return INDEX_FIELDS[asked];
}

/** A question without how it waits: the same for all who want to know the same. */
export function stateKey(target: string): string {
  const query = parametersOf(target);
  for (const name of ["index", "wait", "stale"]) query.delete(name);
  query.sort();
  const rest = query.toString();
  return rest === "" ? pathOf(target) : `${pathOf(target)}?${rest}`;
}

/** Whether it cannot be waited on, but may be looked at often. */
export function isLookedAt(asked: Asked, target: string): boolean {
  return asked === "fabio" || (asked === "consul" && pathOf(target) === "/v1/agent/services");
}

/** Whether what it answers is known at all times: a GET of what can be waited on, or looked at often. */
export function isState(asked: Asked, { method, target }: { method: string; target: string }): asked is Service {
  if (method !== "GET" || asked === "visitor" || asked === "instance") return false;
  return isLookedAt(asked, target) || !NO_STATE.some((path) => path.test(pathOf(target)));
}

export function isEventStream(asked: Asked, target: string): boolean {
  return asked === "nomad" && pathOf(target) === "/v1/event/stream";
}

/** The index that a blocking query waits for more than; 0 of one that does not wait. */
export function askedIndex(target: string): bigint {
  return BigInt(parametersOf(target).get("index") ?? "0");
}

/** How long it waits, milliseconds. */
export function askedWait(target: string): number {
  const [, number = "300", unit = "s"] = /^(\d+)(ms|s|m)$/.exec(parametersOf(target).get("wait") ?? "") ?? [];
  return Number(number) * { ms: 1, s: 1000, m: 60_000 }[unit as "ms" | "s" | "m"];
}

function parametersOf(target: string): URLSearchParams {
  return new URLSearchParams(target.split(/\?(.*)/s)[1] ?? "");
}
