import { existsSync } from "node:fs";
import { env } from "node:process";
import type { TestContext } from "vitest";
import type { Cluster } from "./cluster.ts";
import { missingVariables } from "./cluster-environment.ts";
import { readClusterRecording, recordingFile } from "./cluster-recording.ts";
import { RealCluster } from "./real-cluster.ts";
import { RecordedCluster } from "./recorded-cluster.ts";

/**
 * The real cluster if the environment names one (NOMAD_ADDR, CONSUL_HTTP_ADDR, FABIO_API, FABIO_ADDR, REGISTRY_ADDR); else the recording of the story. Skips the test if
 * there is neither.
 */
export async function openCluster(context: Pick<TestContext, "skip">, story: string): Promise<Cluster> {
  const missing = missingVariables(env);
  if (missing.length === 0) return await RealCluster.open(context, story, env);
  if (existsSync(recordingFile(story))) return await RecordedCluster.tell(readClusterRecording(story));
  return context.skip(`there is no recording of ${story}, and no cluster: ${missing.join(", ")} not set`);
}
