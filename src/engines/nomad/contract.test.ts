import { env } from "node:process";
import { missingVariables } from "../../../test/support/cluster/cluster-environment.ts";
import { ClusterHarness } from "../../../test/support/cluster/cluster-harness.ts";
import { describeEngine } from "../engine-contract.ts";

const isReal = missingVariables(env).length === 0;

describeEngine(isReal ? "nomad" : "nomad, as it was recorded", () => ClusterHarness.open("engine-contract"), {
  // A deployment takes seconds on a real cluster, and some tests make thirty.
  timeout: 300_000,
  sequential: !isReal || env["CLUSTER_RECORD"] !== undefined,
});
