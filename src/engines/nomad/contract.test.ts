import { env } from "node:process";
import { missingVariables } from "../../../test/support/cluster/cluster-environment.ts";
import { ClusterHarness } from "../../../test/support/cluster/cluster-harness.ts";
import { describeEngine } from "../engine-contract.ts";

const missing = missingVariables(env);

// Only on a real cluster: in a recording of it, eight deployments at the same time are too much of a matter of chance. What happens to one is in test/nomad.
describeEngine(
  missing.length === 0 ? "nomad" : `nomad (needs a cluster: ${missing.join(", ")} not set)`,
  () => ClusterHarness.open("engine-contract"),
  // A deployment takes seconds on a real cluster, and some tests make thirty.
  { timeout: 300_000, skip: missing.length > 0 },
);
