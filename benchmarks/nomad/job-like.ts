import type { ReleaseSpec } from "../../src/engines/engine.ts";

/**
 * The job of a release, made that of a release of another app, which Nomad promotes by itself.
 *
 * @param text the job as Nomad has it
 */
export function jobLike(
  text: string,
  of: Pick<ReleaseSpec, "app" | "image">,
  to: Pick<ReleaseSpec, "app" | "number" | "image">,
): object {
  const job = JSON.parse(text.replaceAll(of.app, to.app).replaceAll(of.image, to.image)) as {
    Meta: Record<string, string>;
    TaskGroups: Array<{ Update: { AutoPromote: boolean } }>;
  };
  job.Meta["steppe_release"] = String(to.number);
  for (const { Update } of job.TaskGroups) Update.AutoPromote = true;
  return job;
}
