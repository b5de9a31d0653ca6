import type { JobSpec, Nomad } from "../../../nomad-api/index.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { parseJson } from "../../../shared/json/parse-json.ts";
import { writeJson } from "../../../shared/json/write-json.ts";

/**
 * Reads a user's own jobspec: JSON as `nomad job inspect` prints it, which `nomad job run -json` takes; anything else is HCL, which Nomad itself reads. Throws NOMAD_JOB_INVALID, and
 * what Nomad throws.
 *
 * @param options.isFilledIn whether Nomad fills in its defaults where HCL says nothing; default true
 */
export async function readJobspec(
  text: string,
  options: { nomad: Pick<Nomad, "jobs">; app: string; isFilledIn?: boolean; signal?: AbortSignal | undefined },
): Promise<JobSpec> {
  const { nomad, app, isFilledIn = true, signal } = options;
  if (isHcl(text)) return await nomad.jobs.parse(text, { name: `the job of ${app}`, canonicalize: isFilledIn, signal });
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw invalid(app, `it is no JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const job = isMap(value) && isMap(value["Job"]) ? value["Job"] : value;
  if (!isMap(job) || typeof job["ID"] !== "string" || job["ID"] === "") throw invalid(app, "it has no `ID`");
  return job as JobSpec;
}

/** Whether a jobspec is in HCL, in which no block begins with a brace, and not in JSON. */
export function isHcl(text: string): boolean {
  return !/^\s*\{/.test(text);
}

/** A job as JSON that is read again by `readJobspec`, and by `nomad job run -json`. */
export function printableJobspec(job: JobSpec): string {
  return `${writeJson({ Job: job }, 2)}\n`;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(app: string, cause: string, error?: unknown): SteppeError {
  return new SteppeError(
    "NOMAD_JOB_INVALID",
    { operation: "read", subject: `the job of ${app}`, cause },
    { cause: error },
  );
}
