import { SteppeError } from "../../../shared/errors.ts";
import { printable } from "../../../shared/style.ts";
import type { ReleaseSpec } from "../../engine.ts";
import type { JobInstance } from "../cluster/job-view.ts";
import type { InstanceFailure } from "../failure/instance-failure.ts";
import type { NomadParts } from "../parts.ts";

const LOG_BYTES = 16 * 1024;
const LOG_LINES = 20;
/** A node that is away must not hold up what is to be told. */
const LOG_MS = 2000;

/** The error of an instance that failed, with the last lines that it wrote. */
export async function withLog(
  parts: NomadParts,
  { app, number }: ReleaseSpec,
  instance: JobInstance,
  { code, cause, hint }: InstanceFailure,
): Promise<SteppeError> {
  const detail = await lastLines(parts, instance);
  return new SteppeError(code, { operation: "check", subject: `${app}, release ${number}`, cause, hint, detail });
}

/** Undefined if it wrote nothing, or what it wrote cannot be had: a task that never started has no log. */
async function lastLines({ nomad, log }: NomadParts, { id, tasks }: JobInstance): Promise<string | undefined> {
  const signal = AbortSignal.timeout(LOG_MS);
  const lines: string[] = [];
  for (const [task, { startedAt }] of Object.entries(tasks)) {
    if (startedAt === undefined) continue;
    for (const type of ["stdout", "stderr"] as const) {
      try {
        const text = await nomad.logs.read({ allocation: id, task, type }, { lastBytes: LOG_BYTES, signal });
        lines.push(...text.toString("utf8").split("\n"));
      } catch (error) {
        log.debug({ err: error, allocation: id, task }, "the log of an instance that failed could not be read");
      }
    }
  }
  const told = lines.map((line) => printable(line).trimEnd()).filter((line) => line !== "");
  return told.length === 0 ? undefined : told.slice(-LOG_LINES).join("\n");
}
