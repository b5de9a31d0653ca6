import { writeFileSync } from "node:fs";
import type { AppView, ApplyResult, Deployment, PlatformStatus } from "../../src/api/types.ts";
import { type RunningSteppe, startSteppe } from "../../test/support/steppe.ts";
import { type TemporaryFolder, temporaryFolder } from "../../test/support/temporary-folder.ts";
import { cpuSeconds, machineSeconds, mostResident, resetMostResident } from "../lib/processes.ts";
import { asMock } from "./as-mock.ts";
import { type AskedOften, CountingProxy } from "./counting-proxy.ts";
import { manyYaml } from "./many-release.ts";
import { until } from "./until.ts";

const LIMIT_MS = 60 * 60_000;
/** All apps are asked for so often, where nothing else tells that they are live. */
const LOOK_MS = 2000;

export interface Addresses {
  nomad: string;
  consul: string;
  fabio: string;
}

/** What came of an `apply`. */
export interface Applied {
  /** From the beginning of the command until all is live. */
  ms: number;
  /** Seconds of processor time of control, and of all processes of the machine. */
  cpu: number;
  machine: number;
  /** Bytes; the most that control had meanwhile. */
  resident: number;
  /** Of the deployments that were followed: milliseconds from their beginning to their end. */
  each: number[];
  asked: Array<AskedOften & { who: string }>;
}

/** A running `steppe up --engine nomad` with many apps, whose jobs become those of the mock driver on their way; what it asks is counted. */
export class ManyAppsPlatform implements AsyncDisposable {
  readonly #proxies: Readonly<Record<string, CountingProxy>>;
  readonly #steppe: RunningSteppe;
  readonly #folder: TemporaryFolder;
  readonly #control: number;
  /** The repository of images that all apps have. */
  readonly #image: string;
  readonly #apps: number;

  private constructor(parts: {
    proxies: Readonly<Record<string, CountingProxy>>;
    steppe: RunningSteppe;
    control: number;
    image: string;
    apps: number;
  }) {
    this.#proxies = parts.proxies;
    this.#steppe = parts.steppe;
    this.#control = parts.control;
    this.#image = parts.image;
    this.#apps = parts.apps;
    this.#folder = temporaryFolder("bench-many");
  }

  static async start(
    addresses: Addresses,
    { image, apps }: { image: string; apps: number },
  ): Promise<ManyAppsPlatform> {
    const nomad = await CountingProxy.open({ upstream: addresses.nomad, rewriteJob: asMock });
    const consul = await CountingProxy.open({ upstream: addresses.consul });
    const fabio = await CountingProxy.open({ upstream: addresses.fabio });
    const env = { NOMAD_ADDR: nomad.address, CONSUL_HTTP_ADDR: consul.address };
    const args = ["--fabio", fabio.address, "--datacenter", "dc1"];
    const steppe = await startSteppe({ engine: "nomad", env, args });
    const { processes } = (await steppe.json("status")) as PlatformStatus;
    const control = processes.find(({ kind }) => kind === "control")?.pid;
    if (control === undefined) throw new Error("control has no process");
    return new ManyAppsPlatform({
      proxies: { Nomad: nomad, Consul: consul, Fabio: fabio },
      steppe,
      control,
      image,
      apps,
    });
  }

  /** Declares the apps: they are deployed with what their repository of images has. */
  add(): Promise<Applied> {
    return this.#apply(
      () => 1,
      async () => {
        const areAll = async () => ((await this.#live()) === this.#apps ? true : undefined);
        await until("the apps", areAll, { everyMs: LOOK_MS, limitMs: LIMIT_MS });
      },
    );
  }

  /** Changes some of the apps, and waits until the command says that they are live. */
  change(release: (at: number) => number): Promise<Applied> {
    return this.#apply(release, async () => {});
  }

  /** How many apps are live. Throws if one is not, and will not be. */
  async #live(): Promise<number> {
    const waiting = ((await this.#ask("apps")) as AppView[]).filter(({ liveRelease }) => liveRelease === null);
    const [first] = waiting;
    if (first === undefined) return this.#apps;
    const [latest] = (await this.#ask(`apps/${first.definition.name}/deployments?limit=1`)) as Deployment[];
    if (latest?.error) throw new Error(`${latest.app}: ${latest.error.cause}`);
    return this.#apps - waiting.length;
  }

  async #ask(path: string): Promise<unknown> {
    const { addresses, token } = this.#steppe;
    const answer = await fetch(`${addresses.api}/v1/${path}`, { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`${path} was answered ${answer.status}`);
    return await answer.json();
  }

  async #apply(release: (at: number) => number, untilLive: () => Promise<void>): Promise<Applied> {
    writeFileSync(this.#folder.file("steppe.yaml"), manyYaml(this.#apps, this.#image, release));
    for (const proxy of Object.values(this.#proxies)) proxy.takeCounts();
    resetMostResident(this.#control);
    const [cpu, machine, begin] = [cpuSeconds(this.#control), machineSeconds(), performance.now()];
    const { code, stdout, stderr } = await this.#steppe.cliIn(this.#folder.path, "apply", "--json");
    if (code !== 0) throw new Error(`steppe apply ended with ${code}: ${stderr}`);
    await untilLive();
    const { deployments } = JSON.parse(stdout.toString()) as ApplyResult;
    return {
      ms: performance.now() - begin,
      cpu: cpuSeconds(this.#control) - cpu,
      machine: machineSeconds() - machine,
      resident: mostResident(this.#control),
      each: deployments.map(durationOf),
      asked: Object.entries(this.#proxies).flatMap(([who, proxy]) =>
        proxy.takeCounts().map((one) => ({ ...one, who })),
      ),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#steppe[Symbol.asyncDispose]();
    for (const proxy of Object.values(this.#proxies)) await proxy[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

function durationOf({ id, state, createdAt, finishedAt }: Deployment): number {
  if (state !== "live" || finishedAt === null) throw new Error(`deployment ${id} is ${state}`);
  return finishedAt - createdAt;
}
