import type { ServiceHealth } from "../../../consul/index.ts";

/** In the meta of what stands in for an instance while visitors are handed over: the app. */
export const HANDOVER_KEY = "steppe_handover";

/** Whether an instance of a service only stands in for another. */
export function isStandIn({ instance }: ServiceHealth): boolean {
  return instance.meta[HANDOVER_KEY] !== undefined;
}
