import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { errno, SteppeError } from "../shared/errors.ts";
import { limits } from "./defaults.ts";
import type { Parsed } from "./parsed.ts";
import type { Config } from "./parse-config.ts";

/** Whether `job` names a file, and is not the jobspec itself. */
export function isJobFile(text: string): boolean {
  return /^[^\s{}"]+\.(hcl|nomad|json)$/.test(text);
}

/** Reads `job` of a definition: a jobspec in HCL, which Nomad itself parses when it is deployed, or in JSON, as `nomad job inspect` prints it. */
export function parseJobspec(text: string): Parsed<string> {
  if (text.trim() === "") return { problem: "is empty; leave it out" };
  if (text.includes("\0")) return { problem: "has a NUL character in it" };
  return text.length > limits.jobLength ? { problem: "is longer than 64 KiB" } : { value: text };
}

/**
 * Puts in place of the files that `job` of apps name what is in them, so that a release keeps its jobspec whatever becomes of the file.
 *
 * @param folder where relative paths begin: that of the `steppe.yaml`
 */
export async function readJobFiles(config: Config, folder: string): Promise<Config> {
  const apps = config.apps.map(async (app) => {
    const { job } = app;
    return job === null || !isJobFile(job) ? app : { ...app, job: await readJobFile(resolve(folder, job), app.name) };
  });
  return { ...config, apps: await Promise.all(apps) };
}

async function readJobFile(path: string, app: string): Promise<string> {
  const refuse = (problem: string, cause?: unknown): SteppeError =>
    new SteppeError(
      "CONFIG_INVALID",
      { operation: "read", subject: path, cause: `it is the \`job\` of ${app}, and ${problem}` },
      { cause },
    );
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw refuse(errno(error) === "ENOENT" ? "there is no such file" : (errno(error) ?? String(error)), error);
  }
  const parsed = parseJobspec(text);
  if ("problem" in parsed) throw refuse(parsed.problem);
  if (isJobFile(parsed.value)) throw refuse("has a path in it in place of a jobspec");
  return parsed.value;
}
