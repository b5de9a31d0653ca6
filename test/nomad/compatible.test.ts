import { randomBytes } from "node:crypto";
import { env, execPath } from "node:process";
import { expect, test, type TestContext } from "vitest";
import { type Consul, consulOptions, openConsul } from "../../src/consul/index.ts";
import type { EngineContext, ReleaseSpec } from "../../src/engines/engine.ts";
import { createNomadEngine, type NomadEngine } from "../../src/engines/nomad/index.ts";
import { type JobSpec, type Nomad, nanoseconds, nomadOptions, openNomad } from "../../src/nomad-api/index.ts";
import { systemClock } from "../../src/shared/clock.ts";
import { silentLogger } from "../../src/shared/log.ts";
import { KeyedAppTable, NomadJobTable, Store } from "../../src/store/index.ts";
import { testDefinition } from "../support/test-definition.ts";

/** Answers with its tag; some tags do not come up. */
const PROGRAM = `
const tag = process.env.IMAGE_TAG;
if (tag === "ends") process.exit(3);
const status = tag === "wrong" ? 500 : 200;
require("node:http").createServer((_, answer) => { answer.statusCode = status; answer.end(tag); }).listen(process.env.NOMAD_PORT_http);
`;
const REPOSITORY = "registry.test/team/blog";
const COUNT = 2;
const STORY_MS = 240_000;

/** A real Nomad and Consul, with a job of a user's own on them. */
class KeyedCluster implements AsyncDisposable {
  readonly name = `steppe-test-${randomBytes(4).toString("hex")}`;
  readonly key = `t/${this.name}/IMAGE_TAG`;
  readonly nomad: Nomad = openNomad(nomadOptions(env), { clock: systemClock });
  readonly consul: Consul = openConsul(consulOptions(env), { clock: systemClock });
  readonly #store = Store.open(":memory:");
  readonly #ended = new AbortController();
  readonly #running: Array<Promise<void>> = [];

  /** A new engine over the state that is there, as after control was killed. */
  engine(): NomadEngine {
    const engine = createNomadEngine({
      nomad: this.nomad,
      consul: this.consul,
      settings: { datacenters: ["*"] },
      fabio: [],
      table: new NomadJobTable(this.#store),
      keyed: { table: new KeyedAppTable(this.#store), resolve: () => Promise.resolve("sha256:x") },
      clock: systemClock,
      log: silentLogger,
    });
    this.#running.push(engine.run(this.#ended.signal));
    return engine;
  }

  async register(tag: string): Promise<void> {
    await this.consul.kv.put(this.key, tag);
    const datacenters = (await this.nomad.nodes.list()).value.map(({ datacenter }) => datacenter);
    await this.nomad.jobs.register(this.#spec([...new Set(datacenters)]));
  }

  /** What its instances answer, in no order. */
  async answers(): Promise<string[]> {
    const { value } = await this.consul.health.service(this.name);
    const texts = value.map(async ({ instance: { address, port } }) =>
      (await fetch(`http://${address}:${port}`)).text(),
    );
    return await Promise.all(texts);
  }

  async content(): Promise<string | undefined> {
    return (await this.consul.kv.get(this.key)).value?.value.toString();
  }

  release(number: number, tag: string): ReleaseSpec {
    const { name: job, key } = this;
    const compatible = { job, key, service: null, webhook: null, minHealthyMs: 1000, healthyDeadlineMs: 60_000 };
    const definition = testDefinition("blog", { image: { repository: REPOSITORY, site: null }, compatible });
    const image = `sha256:${tag}`;
    return { app: "blog", number, image, taggedReference: `${REPOSITORY}:${tag}@sha256:x`, definition };
  }

  async deploy(number: number, tag: string, context = quiet(), engine = this.engine()): Promise<void> {
    const release = this.release(number, tag);
    for (const step of ["place", "awaitHealthy", "route", "retire"] as const) await engine[step](release, context);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.nomad.jobs.stop(this.name, { purge: true });
    await this.consul.kv.delete(this.key);
    this.#ended.abort();
    await Promise.all(this.#running);
    this.nomad[Symbol.dispose]();
    this.consul[Symbol.dispose]();
    this.#store.close();
  }

  #spec(datacenters: string[]): JobSpec {
    const check = { Type: "http", Path: "/", Interval: nanoseconds(1000), Timeout: nanoseconds(1000) };
    const text = `IMAGE_TAG={{ key "${this.key}" }}\n`;
    const template = { EmbeddedTmpl: text, DestPath: "secrets/image.env", Envvars: true, ChangeMode: "restart" };
    const task = {
      Name: "server",
      Driver: "raw_exec",
      Config: { command: execPath, args: ["-e", PROGRAM] },
      Resources: { CPU: 20, MemoryMB: 64 },
      KillTimeout: nanoseconds(1000),
      Templates: [{ ...template, Splay: nanoseconds(1000) }],
    };
    const group = {
      Name: "web",
      Count: COUNT,
      Networks: [{ DynamicPorts: [{ Label: "http" }] }],
      RestartPolicy: { Attempts: 3, Delay: nanoseconds(1000), Interval: nanoseconds(60_000), Mode: "fail" },
      Services: [{ Name: this.name, PortLabel: "http", Checks: [check] }],
      Tasks: [task],
    };
    return { ID: this.name, Name: this.name, Type: "service", Datacenters: datacenters, TaskGroups: [group] };
  }
}

function quiet(signal = new AbortController().signal): EngineContext {
  return { signal, progress() {}, note() {}, awaitsPromotion() {} };
}

async function open(context: Pick<TestContext, "skip">): Promise<KeyedCluster> {
  if (env["NOMAD_ADDR"] === undefined || env["CONSUL_HTTP_ADDR"] === undefined) {
    context.skip("a cluster: NOMAD_ADDR and CONSUL_HTTP_ADDR are not set");
  }
  const cluster = new KeyedCluster();
  const [node] = (await cluster.nomad.nodes.list()).value;
  const drivers = node === undefined ? undefined : (await cluster.nomad.nodes.read(node.id)).value?.drivers;
  if (drivers?.["raw_exec"]?.healthy === true) return cluster;
  await cluster[Symbol.asyncDispose]();
  return context.skip("a node of Nomad with the driver raw_exec");
}

test("a job's tag is written, watched, and taken back", { timeout: STORY_MS }, async (context) => {
  await using cluster = await open(context);
  await cluster.register("v1");
  await cluster.deploy(1, "v1");
  expect(await cluster.answers()).toEqual(["v1", "v1"]);
  await cluster.deploy(2, "v2");
  expect(await cluster.answers()).toEqual(["v2", "v2"]);
  for (const [tag, cause] of [
    ["ends", /server: it ended with exit code 3.*; \S+ is v2 again, and healthy$/],
    ["wrong", /GET \/ answered 500; \S+ is v2 again, and healthy$/],
  ] as const) {
    await expect(cluster.deploy(3, tag)).rejects.toHaveProperty("reason", expect.stringMatching(cause));
    expect(await cluster.answers()).toEqual(["v2", "v2"]);
  }
  await cluster.deploy(1, "v1");
  expect([await cluster.content(), await cluster.answers()]).toEqual(["v1", ["v1", "v1"]]);
});

test("control is killed once the tag is written, and goes on", { timeout: STORY_MS }, async (context) => {
  await using cluster = await open(context);
  await cluster.register("v1");
  await cluster.deploy(1, "v1");
  const killed = new AbortController();
  const progress = (message: string): void => {
    if (message.endsWith("instances run v2")) killed.abort(new Error("killed"));
  };
  await expect(cluster.deploy(2, "v2", { ...quiet(killed.signal), progress })).rejects.toThrow("killed");
  await cluster.engine().route(cluster.release(2, "v2"), quiet());
  expect(await cluster.answers()).toEqual(["v2", "v2"]);
  expect(await cluster.engine().instances("blog")).toEqual([{ app: "blog", release: 2, routed: true }]);
});
