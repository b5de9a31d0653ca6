import type { Fields } from "../shared/json/fields.ts";
import { type Counts, readCounts } from "./counts.ts";

/** Why instances of a group found no place. */
export interface PlacementFailure {
  nodesEvaluated: number;
  /** Nodes that a constraint ruled out. */
  nodesFiltered: number;
  /** Nodes that had too little of something. */
  nodesExhausted: number;
  /** Nodes of each datacenter. */
  nodesAvailable: Counts;
  /** Of each constraint, how many nodes it ruled out. */
  constraintFiltered: Counts;
  /** Of each class of nodes, how many were ruled out. */
  classFiltered: Counts;
  /** Of what there was too little, and on how many nodes: `memory`, `cpu`, `network: reserved port collision http=80`. */
  dimensionExhausted: Counts;
  classExhausted: Counts;
  quotaExhausted: string[];
  /** How many more instances failed for the same reason. */
  coalescedFailures: number;
}

/** By the names of groups. */
export type PlacementFailures = Record<string, PlacementFailure>;

/** Those of an evaluation or a plan; none if all found a place. Throws ShapeError. */
export function readPlacementFailures(fields: Fields): PlacementFailures {
  return Object.fromEntries(fields.entries("FailedTGAllocs").map(([group, failure]) => [group, readFailure(failure)]));
}

function readFailure(fields: Fields): PlacementFailure {
  return {
    nodesEvaluated: fields.optionalCount("NodesEvaluated") ?? 0,
    nodesFiltered: fields.optionalCount("NodesFiltered") ?? 0,
    nodesExhausted: fields.optionalCount("NodesExhausted") ?? 0,
    nodesAvailable: readCounts(fields, "NodesAvailable"),
    constraintFiltered: readCounts(fields, "ConstraintFiltered"),
    classFiltered: readCounts(fields, "ClassFiltered"),
    dimensionExhausted: readCounts(fields, "DimensionExhausted"),
    classExhausted: readCounts(fields, "ClassExhausted"),
    quotaExhausted: fields.texts("QuotaExhausted"),
    coalescedFailures: fields.optionalCount("CoalescedFailures") ?? 0,
  };
}
