import type { PlacementFailure, PlacementFailures } from "../../../nomad-api/index.ts";

/**
 * Why instances found no place, as one line: what there was too little of, or what ruled nodes out. Nomad goes on waiting for a node that has room, past every deadline of
 * the deployment.
 *
 * @returns undefined if all found one
 */
export function placementCause(failures: PlacementFailures): string | undefined {
  const causes = Object.values(failures).map(causeOf);
  return causes.length === 0 ? undefined : [...new Set(causes)].join("; ");
}

function causeOf(failure: PlacementFailure): string {
  const { nodesEvaluated, nodesAvailable, dimensionExhausted, constraintFiltered, classFiltered, quotaExhausted } =
    failure;
  const datacenters = Object.keys(nodesAvailable);
  if (nodesEvaluated === 0) {
    const where = datacenters.length === 0 ? "its datacenters" : datacenters.join(", ");
    return `no node is ready in ${where}`;
  }
  const parts = [
    ...count(dimensionExhausted, nodesEvaluated, (what) => `too little ${what}`),
    ...count(constraintFiltered, nodesEvaluated, (what) => `the constraint \`${what}\` does not hold`),
    // Nomad counts a node under its class as well as under the constraint.
    ...(Object.keys(constraintFiltered).length > 0
      ? []
      : count(classFiltered, nodesEvaluated, (what) => `the class \`${what}\` is ruled out`)),
    ...quotaExhausted.map((quota) => `the quota ${quota} is used up`),
  ];
  return parts.length === 0 ? "no node takes it" : `no node has a place for it: ${parts.join(", ")}`;
}

/** The most frequent first. */
function count(counts: Readonly<Record<string, number>>, nodes: number, tell: (what: string) => string): string[] {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return sorted.map(([what, on]) => `${tell(what)} on ${on} of ${nodes} ${nodes === 1 ? "node" : "nodes"}`);
}
