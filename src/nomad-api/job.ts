import { Fields } from "../shared/json/fields.ts";
import { type Counts, readCountsOfEach } from "./counts.ts";
import type { JobSpec } from "./job-spec.ts";
import { readTimestamp } from "./timestamps.ts";

/** What a job of a list and one by itself have. */
interface JobCommon {
  id: string;
  name: string;
  namespace: string;
  /** `service`, `batch`, … */
  type: string;
  /** `pending`, `running` or `dead`. */
  status: string;
  statusDescription: string;
  /** Whether somebody stopped it; it stays known until Nomad collects its garbage. */
  isStopped: boolean;
  /** When it was registered, milliseconds since 1970. */
  submittedAt: number | undefined;
  createIndex: bigint;
  /** Rises with its status as well. */
  modifyIndex: bigint;
  /** Rises when it is registered anew with something changed: what a registration names that must not overwrite another's. */
  jobModifyIndex: bigint;
}

export interface JobListItem extends JobCommon {
  /** Undefined if it was not asked for; since 1.5 it comes then only. */
  meta: Record<string, string> | undefined;
  summary: JobSummary | undefined;
}

export interface Job extends JobCommon {
  version: number;
  /** Whether its deployment came to a good end: what Nomad reverts to by itself. */
  isStable: boolean;
  meta: Record<string, string>;
  /** All of it. */
  spec: JobSpec;
}

export interface JobSummary {
  /** Instances of each group, by what they are: `Running`, `Queued`, `Starting`, `Failed`, `Complete`, `Lost`, … */
  groups: Record<string, Counts>;
  modifyIndex: bigint;
}

/** Throws ShapeError. */
export function readJob(value: unknown, path = ""): Job {
  const fields = Fields.of(value, path);
  return {
    ...readCommon(fields),
    version: fields.count("Version"),
    isStable: fields.flag("Stable"),
    meta: fields.record("Meta"),
    spec: readJobSpec(value, path),
  };
}

/** Looks at no more than that it is a job: Nomad itself checks the rest. Throws ShapeError. */
export function readJobSpec(value: unknown, path = ""): JobSpec {
  Fields.of(value, path).text("ID");
  return value as JobSpec;
}

/** Throws ShapeError. */
export function readJobListItem(fields: Fields): JobListItem {
  const summary = fields.optionalObject("JobSummary");
  return {
    ...readCommon(fields),
    meta: fields.has("Meta") ? fields.record("Meta") : undefined,
    summary: summary === undefined ? undefined : readJobSummary(summary),
  };
}

/** Throws ShapeError. */
export function readJobSummary(fields: Fields): JobSummary {
  return { groups: readCountsOfEach(fields, "Summary"), modifyIndex: fields.index("ModifyIndex") };
}

function readCommon(fields: Fields): JobCommon {
  return {
    id: fields.text("ID"),
    name: fields.text("Name"),
    namespace: fields.optionalText("Namespace") ?? "default",
    type: fields.text("Type"),
    status: fields.text("Status"),
    statusDescription: fields.optionalText("StatusDescription") ?? "",
    isStopped: fields.flag("Stop"),
    submittedAt: readTimestamp(fields, "SubmitTime"),
    createIndex: fields.index("CreateIndex"),
    modifyIndex: fields.index("ModifyIndex"),
    jobModifyIndex: fields.index("JobModifyIndex"),
  };
}
