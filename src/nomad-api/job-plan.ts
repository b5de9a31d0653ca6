import type { Fields } from "../shared/json/fields.ts";
import { type Counts, readCountsOfEach } from "./counts.ts";
import { type JobDiff, readJobDiff } from "./job-diff.ts";
import { type PlacementFailures, readPlacementFailures } from "./placement-failure.ts";

/** What would come of registering a job. */
export interface JobPlan {
  /** Undefined if it was not asked for. */
  diff: JobDiff | undefined;
  /** Of each group, how many instances: `Place`, `Stop`, `Canary`, `InPlaceUpdate`, `DestructiveUpdate`, `Ignore`, … */
  updates: Record<string, Counts>;
  /** Which instances would find no place. */
  placementFailures: PlacementFailures;
  /** The index of the job that it was compared with, to register the new one by; 0 if there is none. */
  jobModifyIndex: bigint;
  /** Several lines, for people. */
  warnings: string;
}

/** Throws ShapeError. */
export function readJobPlan(fields: Fields): JobPlan {
  const diff = fields.optionalObject("Diff");
  const annotations = fields.optionalObject("Annotations");
  return {
    diff: diff === undefined ? undefined : readJobDiff(diff),
    updates: annotations === undefined ? {} : readCountsOfEach(annotations, "DesiredTGUpdates"),
    placementFailures: readPlacementFailures(fields),
    jobModifyIndex: fields.index("JobModifyIndex"),
    warnings: fields.optionalText("Warnings") ?? "",
  };
}
