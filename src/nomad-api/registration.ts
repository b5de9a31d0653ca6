import type { Fields } from "../shared/json/fields.ts";
import { idOf } from "./evaluation.ts";

/** What came of a change to a job. */
export interface JobChange {
  /** The evaluation that carries it out; undefined if none is needed. */
  evaluationId: string | undefined;
  /** Of the job as it is now: which deployment is this change's. */
  jobModifyIndex: bigint;
}

/** What came of registering a job. */
export interface Registration extends JobChange {
  /** Nothing changed, so there will be no deployment: whoever waits for one waits for ever. Change something: a value of its meta. */
  isUnchanged: boolean;
  /** Several lines, for people. */
  warnings: string;
}

/** Throws ShapeError. */
export function readJobChange(fields: Fields): JobChange {
  return { evaluationId: idOf(fields, "EvalID"), jobModifyIndex: fields.index("JobModifyIndex") };
}

/**
 * Throws ShapeError.
 *
 * @param ifIndex the index that the job had to have, if that was said: the one that it still has if nothing changed
 */
export function registrationOf(fields: Fields, ifIndex: bigint | undefined): Registration {
  const change = readJobChange(fields);
  const evaluationIndex = fields.optionalIndex("EvalCreateIndex") ?? 0n;
  // Since 1.0 the job and its evaluation are written as one: an evaluation that is newer is about a job that stayed as it was.
  const isOlder = change.jobModifyIndex < evaluationIndex;
  const isUnchanged = ifIndex === undefined ? isOlder : change.jobModifyIndex === ifIndex;
  return { ...change, isUnchanged, warnings: fields.optionalText("Warnings") ?? "" };
}
