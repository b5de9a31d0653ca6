import type { AppDefinition } from "../../../src/config/index.ts";
import { consulOptions, openConsul } from "../../../src/consul/index.ts";
import type { EngineHarness } from "../../../src/engines/engine-contract.ts";
import type { ReleaseSpec } from "../../../src/engines/engine.ts";
import { createNomadEngine, type NomadEngine } from "../../../src/engines/nomad/index.ts";
import { nomadOptions, openNomad } from "../../../src/nomad-api/index.ts";
import { silentLogger } from "../../../src/shared/log.ts";
import { KeyedAppTable, NomadJobTable, Store } from "../../../src/store/index.ts";
import { testDefinition, testRun } from "../test-definition.ts";
import type { Cluster, Visit } from "./cluster.ts";
import { dyingProxy } from "./dying-proxy.ts";
import { openCluster } from "./open-cluster.ts";

/** What a site of a test asks of a cluster: as little as it may. */
export const CLUSTER_RUN = {
  ...testRun,
  cpu: 20,
  memory: 16,
  minHealthyMs: 0,
  healthyDeadlineMs: 60_000,
  shutdownDelayMs: 500,
};

/** The engine on a cluster, with apps of its own that are gone when it ends. */
export class ClusterHarness implements EngineHarness {
  readonly cluster: Cluster;
  readonly table: NomadJobTable;
  readonly #store: Store;
  readonly #opened: Disposable[] = [];
  readonly #running: Array<Promise<void>> = [];
  #newest = new AbortController();
  readonly #proxies: AsyncDisposable[] = [];
  readonly #apps = new Set<string>();

  private constructor(cluster: Cluster, store: Store) {
    this.cluster = cluster;
    this.#store = store;
    this.table = new NomadJobTable(store);
  }

  /** @param story as recordings are called */
  static async open(story: string): Promise<ClusterHarness> {
    return new ClusterHarness(await openCluster(neverSkipped, story), Store.open(":memory:"));
  }

  /** Those before it follow the cluster no more, as many as a test may open; they still answer. */
  engine(addresses: { nomad: string; consul: string } = this.cluster.addresses): NomadEngine {
    const { clock } = this.cluster;
    const nomad = openNomad(nomadOptions({ NOMAD_ADDR: addresses.nomad }), { clock, random });
    const consul = openConsul(consulOptions({ CONSUL_HTTP_ADDR: addresses.consul }), { clock, random });
    const engine = createNomadEngine({
      nomad,
      consul,
      settings: { datacenters: ["dc1"] },
      fabio: [this.cluster.addresses.fabio],
      table: this.table,
      // No app of these tests has its tag in a key of Consul.
      keyed: { table: new KeyedAppTable(this.#store), resolve: () => Promise.resolve(undefined) },
      clock,
      log: silentLogger,
    });
    this.#opened.push(nomad, consul);
    this.#newest.abort();
    this.#newest = new AbortController();
    const running = engine.run(this.#newest.signal);
    running.catch(() => {}); // told at the end
    this.#running.push(running);
    return engine;
  }

  async dyingEngine(effects: number): Promise<NomadEngine> {
    const proxy = await dyingProxy(this.cluster.addresses, effects);
    this.#proxies.push(proxy);
    return this.engine(proxy.addresses);
  }

  async release(
    app: string,
    number: number,
    files: Readonly<Record<string, string>>,
    definition: Partial<AppDefinition> = {},
  ): Promise<ReleaseSpec> {
    this.#apps.add(app);
    const image = await this.cluster.publish({ app, number, files });
    const repository = `${this.cluster.registry}/${app}`;
    const base = { domains: [`${app}.test`], image: { repository, site: null }, run: CLUSTER_RUN };
    return { app, number, image, definition: testDefinition(app, { ...base, ...definition }) };
  }

  visit(host: string, path: string): Promise<Visit> {
    return this.cluster.visit(host, path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const engine = this.engine();
    for (const app of this.#apps) await engine.remove(app);
    this.#newest.abort();
    await Promise.all(this.#running);
    for (const one of this.#opened) one[Symbol.dispose]();
    for (const proxy of this.#proxies) await proxy[Symbol.asyncDispose]();
    await this.cluster[Symbol.asyncDispose]();
    this.#store.close();
  }
}

/** Pauses of a recording are those of its replay. */
const random = (): number => 0.5;

const neverSkipped = {
  skip(reason?: unknown): never {
    throw new Error(String(reason));
  },
};
