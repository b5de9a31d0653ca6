import type { Check, ServiceHealth } from "../../../consul/index.ts";
import type { Allocation, Job, JobSpec, TaskEvent, TaskState } from "../../../nomad-api/index.ts";
import { FakeClock } from "../../../shared/clock.ts";
import { SteppeError } from "../../../shared/errors.ts";
import { silentLogger } from "../../../shared/log.ts";
import { KeyedAppTable, Store } from "../../../store/index.ts";
import { testDefinition } from "../../../../test/support/test-definition.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import { JobView } from "../cluster/job-view.ts";
import { Later } from "../cluster/job-watch.ts";
import type { KeyedParts } from "./keyed-parts.ts";

export const KEY = "configs/team/blog/IMAGE_TAG";
export const REPOSITORY = "docker.io/team/blog";

/** What becomes of a task that is started with a tag. `ignored`: nobody notices that the key was changed. */
export type Fate = "good" | "missing" | "ends" | "wrong" | "silent" | "ignored";

const CHECK_MS = 1000;
/** From the change of the key to the restart of the first instance; each further one comes so much later. */
const SPLAY_MS = 700;
const START_MS = 200;
const AGAIN_MS = 2000;

interface FakeInstance {
  id: string;
  index: number;
  tag: string;
  state: TaskState;
  check: Pick<Check, "status" | "output">;
  clientStatus: string;
  desiredStatus: string;
  /** Rises with each start that is on its way, so that one before it comes to nothing. */
  turn: number;
}

/** A Nomad and a Consul with one job, whose template reads a key and restarts its task; by a clock that a test moves. */
export class FakeKeyedCluster implements KeyedParts {
  readonly clock = new FakeClock();
  readonly log = silentLogger;
  readonly table = new KeyedAppTable(Store.open(":memory:"));
  /** Of what is not named, good comes. */
  readonly fates = new Map<string, Fate>();
  /** The tags that the registry has, with their digests. */
  readonly registry = new Map<string, string>();
  readonly spec: JobSpec;
  /** Throws in place of the nth change to the cluster or the table, and of all that follow. */
  diesAt = Infinity;
  isStopped = false;
  isConsulAway = false;
  #key: { value: string; index: bigint } | undefined;
  #index = 10n;
  #instances: FakeInstance[] = [];
  #made = 0;
  readonly #count: number;
  #change = Promise.withResolvers<void>();
  /** What the key held, in order. */
  readonly written: Array<string | null> = [];

  constructor({ count = 1, tag = "v1" }: { count?: number; tag?: string | null } = {}) {
    [this.#count, this.spec] = [count, jobSpec(count)];
    for (const name of ["v1", "v2", "v3", "v4"]) this.registry.set(`${REPOSITORY}:${name}`, digestOf(name));
    if (tag !== null) {
      this.#key = { value: tag, index: this.#index };
      for (let index = 0; index < count; index++) this.#place(index);
    }
    void this.#tick();
  }

  get key(): string | undefined {
    return this.#key?.value;
  }

  /** The tags of the instances that run and are well. */
  get serving(): string[] {
    const well = this.#instances.filter(({ state, check, desiredStatus }) => {
      return state.state === "running" && check.status === "passing" && desiredStatus === "run";
    });
    return well.map(({ tag }) => tag);
  }

  /** Somebody else writes the key. */
  setKey(value: string): void {
    this.#key = { value, index: ++this.#index };
    this.#rendered();
  }

  readonly nomad = {
    jobs: {
      read: (id: string) =>
        Promise.resolve({ index: this.#index, value: id === this.spec.ID ? this.#job() : undefined }),
      allocations: () => Promise.resolve({ index: this.#index, value: this.#allocations() }),
      evaluate: () => {
        this.#effect();
        for (const one of this.#instances.filter(({ clientStatus }) => clientStatus === "failed")) {
          if (one.desiredStatus === "stop") continue;
          one.desiredStatus = "stop";
          this.#place(one.index);
        }
        return Promise.resolve();
      },
    },
  } as unknown as KeyedParts["nomad"];

  readonly consul = {
    kv: {
      get: async (key: string) => this.#told(key === KEY ? this.#entry() : undefined),
      put: (_key: string, value: string, { cas }: { cas: bigint }) => {
        this.#effect();
        if (cas !== (this.#key?.index ?? 0n)) return Promise.resolve(false);
        this.written.push(value);
        this.setKey(value);
        return Promise.resolve(true);
      },
      delete: (_key: string, { cas }: { cas: bigint }) => {
        this.#effect();
        if (cas !== this.#key?.index) return Promise.resolve(false);
        this.written.push(null);
        this.#key = undefined;
        return Promise.resolve(true);
      },
    },
    health: {
      service: async () => this.#told(this.#health()),
    },
  } as unknown as KeyedParts["consul"];

  readonly probe: KeyedParts["probe"] = () => ({
    wrongAnswers: (ids) => {
      const wrong = this.#instances.filter(({ id, tag }) => ids.includes(id) && this.fates.get(tag) === "wrong");
      return Promise.resolve(new Map(wrong.map(({ id }) => [id, "GET / answered 500"])));
    },
    [Symbol.dispose]() {},
  });

  readonly cluster: KeyedParts["cluster"] = {
    watch: () => ({
      until: async (signal, look) => {
        for (;;) {
          signal.throwIfAborted();
          const change = this.#change.promise;
          const view = new JobView();
          view.take({ deployments: [], allocations: this.#allocations(), evaluations: [] });
          const found = await look(view);
          if (!(found instanceof Later)) return found;
          const aborted = new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason as Error)),
          );
          await Promise.race([change, aborted, ...(found.ms === Infinity ? [] : [this.clock.sleep(found.ms)])]);
        }
      },
      [Symbol.dispose]() {},
    }),
  };

  readonly resolve = (reference: string): Promise<string | undefined> => Promise.resolve(this.registry.get(reference));

  #told<Value>(value: Value): { index: bigint; value: Value } {
    if (!this.isConsulAway) return { index: this.#index, value };
    throw new SteppeError("CONSUL_UNREACHABLE", { operation: "ask", subject: "Consul", cause: "it is away" });
  }

  #effect(): void {
    if (this.diesAt-- <= 0) throw new Error("died");
  }

  #wake(): void {
    this.#index++;
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** The template of each instance that runs is written anew, and its task restarted. */
  #rendered(): void {
    this.#wake();
    // Instances that waited for the key.
    if (this.#instances.length === 0) for (let index = 0; index < this.#count; index++) this.#place(index);
    for (const one of this.#instances) {
      if (one.state.state !== "running" || one.desiredStatus !== "run") continue;
      if (this.fates.get(this.key ?? "") === "ignored") continue;
      void this.#after(one, SPLAY_MS * (one.index + 1), () => {
        if (this.key === one.tag) return; // it was changed back meanwhile: the file is as it was
        this.#tell(one, "Restart Signaled", "Template with change_mode restart re-rendered");
        one.state = { ...one.state, state: "pending" };
        this.#tell(one, "Terminated", "Exit Code: 0", { exit_code: "0" });
        this.#tell(one, "Restarting", "Task restarting in 0s");
        this.#start(one, 0);
      });
    }
  }

  #start(one: FakeInstance, failures: number): void {
    one.state = { ...one.state, restarts: one.state.restarts + 1 };
    void this.#after(one, START_MS, () => {
      one.tag = this.key ?? one.tag;
      const fate = this.fates.get(one.tag);
      if (fate === "missing")
        return this.#fail(one, failures, "Driver Failure", `Failed to pull \`team/blog:${one.tag}\`: manifest unknown`);
      this.#tell(one, "Started", "Task started by client");
      one.state = { ...one.state, state: "running", startedAt: this.clock.now() };
      if (fate === "ends") {
        void this.#after(one, START_MS, () =>
          this.#fail(one, failures, "Terminated", "Exit Code: 1", { exit_code: "1" }),
        );
      }
    });
  }

  #fail(one: FakeInstance, failures: number, type: string, message: string, details = {}): void {
    one.state = { ...one.state, state: "pending" };
    this.#tell(one, type, message, details);
    if (failures >= 2) {
      one.state = { ...one.state, state: "dead", failed: true };
      one.clientStatus = "failed";
      return this.#tell(one, "Not Restarting", "Exceeded allowed attempts");
    }
    this.#tell(one, "Restarting", "Task restarting in 2s");
    void this.#after(one, AGAIN_MS, () => this.#start(one, failures + 1));
  }

  async #after(one: FakeInstance, ms: number, act: () => void): Promise<void> {
    const turn = ++one.turn;
    await this.clock.sleep(ms);
    if (turn !== one.turn) return;
    act();
    this.#wake();
  }

  #tell({ state }: FakeInstance, type: string, message: string, details: Record<string, string> = {}): void {
    const at = Math.max(this.clock.now(), (state.events.at(-1)?.at ?? 0) + 0.001);
    state.events.push({ type, message, details, at });
    state.events.splice(0, Math.max(0, state.events.length - 10));
  }

  #place(index: number): void {
    const at = this.clock.now();
    const event: TaskEvent = { type: "Started", message: "Task started by client", details: {}, at };
    const one: FakeInstance = {
      id: `a${++this.#made}`,
      index,
      tag: this.key ?? "",
      state: { state: "running", failed: false, restarts: 0, startedAt: at, finishedAt: undefined, events: [event] },
      check: { status: "critical", output: "" },
      clientStatus: "running",
      desiredStatus: "run",
      turn: 0,
    };
    this.#instances.push(one);
    if (this.fates.get(one.tag) === "missing") this.#fail(one, 0, "Driver Failure", "Failed to pull: manifest unknown");
    this.#wake();
  }

  /** The checks of Consul, which look now and then. */
  async #tick(): Promise<never> {
    for (; ; await this.clock.sleep(CHECK_MS)) {
      for (const one of this.#instances) one.check = this.#look(one);
      this.#wake();
    }
  }

  #look({ state, tag }: FakeInstance): Pick<Check, "status" | "output"> {
    const fate = this.fates.get(tag);
    if (state.state !== "running" || fate === "silent") {
      return { status: "critical", output: "Get http://127.0.0.1:1/: dial tcp: connection refused" };
    }
    if (fate === "wrong")
      return { status: "critical", output: "HTTP GET http://127.0.0.1:1/: 500 Internal Server Error" };
    return { status: "passing", output: "HTTP GET http://127.0.0.1:1/: 200 OK" };
  }

  #job(): Job {
    const isStopped = this.isStopped;
    return { id: "blog", type: "service", isStopped, spec: this.spec, meta: {}, version: 0 } as unknown as Job;
  }

  #allocations(): Allocation[] {
    return this.#instances.map(({ id, index, state, clientStatus, desiredStatus }) => {
      const tasks = { server: structuredClone(state) };
      const told = { id, name: `blog.web[${index}]`, group: "web", tasks, clientStatus, desiredStatus };
      return { ...told, jobId: "blog", modifyIndex: this.#index } as unknown as Allocation;
    });
  }

  #health(): ServiceHealth[] {
    return this.#instances.flatMap(({ id, desiredStatus, check }) => {
      if (desiredStatus !== "run") return [];
      const instance = { id: `_nomad-task-${id}-group-web-blog-http`, name: "blog", meta: {} };
      const { status } = check;
      return [{ instance, checks: [{ id: "c", name: "alive", ...check }], status } as unknown as ServiceHealth];
    });
  }

  #entry() {
    if (this.#key === undefined) return undefined;
    const { value, index } = this.#key;
    const indices = { flags: 0n, lockIndex: 0n, createIndex: 1n, modifyIndex: index };
    return { key: KEY, value: Buffer.from(value), ...indices };
  }
}

export function jobSpec(count: number): JobSpec {
  const check = { Type: "http", Path: "/", Interval: 1_000_000_000, Timeout: 500_000_000 };
  const service = { Name: "blog", Provider: "consul", Checks: [check] };
  const task = {
    Name: "server",
    Driver: "docker",
    Templates: [{ EmbeddedTmpl: `IMAGE_TAG={{ key "${KEY}" }}\n`, ChangeMode: "restart" }],
  };
  return {
    ID: "blog",
    TaskGroups: [{ Name: "web", Count: count, Services: [service], Tasks: [task] }],
  } as unknown as JobSpec;
}

export function digestOf(tag: string): string {
  return `sha256:${Buffer.from(tag).toString("hex").padEnd(64, "0")}`;
}

/** A release of an app with a tag. */
export function keyedRelease(number: number, tag: string, image = digestOf(tag)): ReleaseSpec {
  const compatible = {
    job: "blog",
    key: KEY,
    service: null,
    webhook: null,
    minHealthyMs: 2000,
    healthyDeadlineMs: 60_000,
  };
  const definition = testDefinition("blog", { image: { repository: REPOSITORY, site: null }, compatible });
  return { app: "blog", number, image, taggedReference: `${REPOSITORY}:${tag}@${image}`, definition };
}

/** A context that keeps what was said. */
export function keptContext(
  signal = new AbortController().signal,
): EngineContext & { said: string[]; notes: string[] } {
  const said: string[] = [];
  const notes: string[] = [];
  const keep = (list: string[]) => (text: string) => void list.push(text);
  return { signal, said, notes, progress: keep(said), note: keep(notes), awaitsPromotion() {} };
}

/** Lets time go on until the work has come to its end. */
export async function inTime<Result>(clock: FakeClock, work: Promise<Result>): Promise<Result> {
  let isOver = false;
  work.finally(() => (isOver = true)).catch(() => {}); // it is thrown below
  while (!isOver) await clock.advance(100);
  return work;
}
