import { FakeCluster } from "./fake-cluster.ts";
import { fakeServer, type Seen } from "./fake-server.ts";
import { ImpatientClock } from "./impatient-clock.ts";
import { testDefinition, testRun } from "./test-definition.ts";
import type { AppDefinition } from "../../src/config/index.ts";
import { fakeConsul } from "../../src/consul/fakes.ts";
import { fakeNomad } from "../../src/nomad-api/fakes.ts";
import { silentLogger } from "../../src/shared/log.ts";
import { KeyedAppTable, NomadJobTable, Store } from "../../src/store/index.ts";
import type { EngineContext, ReleaseSpec } from "../../src/engines/engine.ts";
import { createNomadEngine, type NomadEngine } from "../../src/engines/nomad/nomad-engine.ts";

/** An engine on a small cluster, for tests. It does not wait: time goes on as it does. */
export interface TestEngine extends AsyncDisposable {
  cluster: FakeCluster;
  engine: NomadEngine;
  table: NomadJobTable;
  clock: ImpatientClock;
  /** What Nomad was asked. */
  asked: readonly Seen[];
}

/**
 * @param clock in place of one that does not wait
 * @param options.consulToken goes with registrations
 */
export async function testEngine(
  clock: ImpatientClock = new ImpatientClock(),
  { mostAtOnce, consulToken }: { mostAtOnce?: number; consulToken?: string } = {},
): Promise<TestEngine> {
  const cluster = new FakeCluster();
  const nomad = await fakeNomad(cluster.answerNomad, {}, { consulToken });
  const consul = await fakeConsul(cluster.answerConsul);
  const fabio = await fakeServer(cluster.answerFabio);
  const store = Store.open(":memory:");
  const table = new NomadJobTable(store);
  const engine = createNomadEngine({
    nomad: nomad.nomad,
    consul: consul.consul,
    settings: { datacenters: ["dc1"] },
    fabio: [`http://${fabio.host}`],
    table,
    keyed: { table: new KeyedAppTable(store), resolve: () => Promise.resolve(undefined) },
    mostAtOnce,
    clock,
    log: silentLogger,
  });
  return {
    cluster,
    engine,
    table,
    clock,
    asked: nomad.seen,
    [Symbol.asyncDispose]: async () => {
      const gone = new AbortController();
      gone.abort();
      await engine.run(gone.signal);
      store[Symbol.dispose]();
      for (const server of [nomad, consul, fabio]) await server[Symbol.asyncDispose]();
    },
  };
}

/** A release of the app `blog`, of two instances; every release has another image. */
export function testRelease(number: number, change: Partial<AppDefinition> = {}): ReleaseSpec {
  const definition = testDefinition("blog", {
    domains: ["blog.test"],
    image: { repository: "registry.test/blog", site: null },
    run: { ...testRun, count: 2 },
    ...change,
  });
  return { app: definition.name, number, image: `sha256:${String(number).padStart(64, "0")}`, definition };
}

export interface TestContext extends EngineContext {
  notes: string[];
  /** Whether it waits for a person, as it was told. */
  waits: boolean[];
}

export function testContext(signal = new AbortController().signal): TestContext {
  const [notes, waits]: [string[], boolean[]] = [[], []];
  const awaitsPromotion = (isWaiting: boolean): void => void waits.push(isWaiting);
  return { signal, notes, waits, progress() {}, note: (message) => notes.push(message), awaitsPromotion };
}
