import { spawnSync } from "node:child_process";
import process, { argv, env, execPath, stderr, stdout } from "node:process";
import { fileURLToPath } from "node:url";
import {
  CLUSTER_VARIABLES,
  missingVariables,
  readVersions,
  upstreamsOf,
} from "../support/cluster/cluster-environment.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Contracts of the clients and of the engine, what may happen to a deployment, and `steppe up` from a tag to the page. */
const TESTS = [
  "src/consul/contract.test.ts",
  "src/nomad-api/contract.test.ts",
  "src/engines/nomad/contract.test.ts",
  "test/nomad",
  "test/cluster-chain.test.ts",
  "test/cluster-image-chain.test.ts",
  "test/cluster-superseded.test.ts",
];

/** Runs what is tested against a real cluster: `npm run test:nomad`, with variables that say where it is. Exit code 2 if they do not. */
async function main(): Promise<number> {
  const missing = missingVariables(env);
  if (missing.length > 0) {
    const lines = Object.entries(CLUSTER_VARIABLES).map(
      ([name, what]) => `  ${name.padEnd(17)} ${missing.includes(name) ? "not set" : "set    "}  ${what}`,
    );
    stderr.write(
      `npm run test:nomad needs a cluster on this machine's loopback. Say where it is:\n\n${lines.join("\n")}\n`,
    );
    return 2;
  }
  const { nomad, consul, fabio } = await readVersions(upstreamsOf(env));
  stdout.write(`Nomad ${nomad}, Consul ${consul}, Fabio ${fabio}\n`);
  const tests = argv.length > 2 ? argv.slice(2) : TESTS;
  // One at a time: a test stops Nomad, another Consul.
  const args = ["node_modules/vitest/vitest.mjs", "run", "--no-file-parallelism", ...tests];
  const { status } = spawnSync(execPath, args, { cwd: root, stdio: "inherit" });
  return status ?? 1;
}

process.exitCode = await main();
