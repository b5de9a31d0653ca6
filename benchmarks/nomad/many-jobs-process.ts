import { argv, cpuUsage, env, resourceUsage, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { consulOptions, openConsul } from "../../src/consul/index.ts";
import { createNomadEngine } from "../../src/engines/nomad/index.ts";
import { nomadOptions, openNomad } from "../../src/nomad-api/index.ts";
import { systemClock } from "../../src/shared/clock.ts";
import { silentLogger } from "../../src/shared/log.ts";
import { KeyedAppTable, NomadJobTable, Store } from "../../src/store/index.ts";
import { deployRelease } from "../../test/support/cluster/deploy-release.ts";
import { manyRelease } from "./many-release.ts";

/** What came of a line `NUMBER COUNT`: deploying release NUMBER of so many apps at once. */
export interface Deployed {
  ms: number;
  /** Seconds of processor time. */
  cpu: number;
  /** Bytes, since the process began. */
  mostResident: number;
  failed: number;
  /** Some of the messages of errors and notes, each once. */
  problems: string[];
}

const MOST_PROBLEMS = 5;

/** The engine, in a process of its own: `node many-jobs-process.ts FABIO_API`, with the addresses of Nomad and Consul in the environment. */
const [fabio = ""] = argv.slice(2);
const clock = systemClock;
const nomad = openNomad(nomadOptions(env), { clock });
const consul = openConsul(consulOptions(env), { clock });
const ended = new AbortController();
const store = Store.open(":memory:");
const engine = createNomadEngine({
  nomad,
  consul,
  settings: { datacenters: ["dc1"] },
  fabio: [fabio],
  table: new NomadJobTable(store),
  keyed: { table: new KeyedAppTable(store), resolve: async () => undefined },
  clock,
  log: silentLogger,
});
const running = engine.run(ended.signal);
stdout.write("ready\n");
for await (const line of createInterface({ input: stdin })) {
  const [number = 0, count = 0] = line.split(" ").map(Number);
  stdout.write(`${JSON.stringify(await deployAll(number, count))}\n`);
}
ended.abort();
await running;
nomad[Symbol.dispose]();
consul[Symbol.dispose]();
store.close();

async function deployAll(number: number, count: number): Promise<Deployed> {
  const problems = new Set<string>();
  const note = (text: string): void => void problems.add(text);
  const begin = performance.now();
  const before = cpuUsage();
  const all = Array.from({ length: count }, (_, at) => deployRelease(engine, manyRelease(at, number), note));
  const failed = (await Promise.allSettled(all)).filter((one) => one.status === "rejected");
  for (const { reason } of failed) problems.add(reason instanceof Error ? reason.message : String(reason));
  const { user, system } = cpuUsage(before);
  const mostResident = resourceUsage().maxRSS * 1024;
  return {
    ms: performance.now() - begin,
    cpu: (user + system) / 1e6,
    mostResident,
    failed: failed.length,
    problems: [...problems].slice(0, MOST_PROBLEMS),
  };
}
