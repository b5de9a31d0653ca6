import type { TestContext } from "vitest";
import { runCommand } from "../../../src/shared/run-command.ts";
import { systemClock } from "../../../src/shared/clock.ts";
import { httpGet } from "../http-get.ts";
import type { Cluster, ControlVerb, Service, Site, Versions, Visit } from "./cluster.ts";
import { type Environment, readJson, readVersions, registryOf, upstreamsOf } from "./cluster-environment.ts";
import { writeClusterRecording } from "./cluster-recording.ts";
import { type SitePublisher, sitePublisher } from "./publish-site.ts";
import { Recorder, type Upstreams } from "./recorder.ts";
import { siteKey } from "./site-key.ts";

const LOOK_MS = 100;

/** The cluster that the environment names. */
export class RealCluster implements Cluster {
  readonly kind = "real";
  readonly clock = systemClock;
  readonly versions: Versions;
  readonly registry: string;
  readonly #upstreams: Upstreams;
  readonly #recorder: Recorder | undefined;
  readonly #story: string;
  readonly #publisher: SitePublisher;
  readonly #control: string | undefined;

  private constructor(parts: {
    versions: Versions;
    registry: string;
    upstreams: Upstreams;
    recorder: Recorder | undefined;
    story: string;
    publisher: SitePublisher;
    control: string | undefined;
  }) {
    this.versions = parts.versions;
    this.registry = parts.registry;
    this.#upstreams = parts.upstreams;
    this.#recorder = parts.recorder;
    this.#story = parts.story;
    this.#publisher = parts.publisher;
    this.#control = parts.control;
  }

  /**
   * @param story what is recorded is called so, if the variable CLUSTER_RECORD is set
   */
  static async open(context: Pick<TestContext, "skip">, story: string, env: Environment): Promise<RealCluster> {
    const upstreams = upstreamsOf(env);
    const registry = registryOf(env);
    const versions = await readVersions(upstreams);
    await removeLeftovers(upstreams);
    const isRecorded = (env["CLUSTER_RECORD"] ?? "") !== "";
    return new RealCluster({
      versions,
      registry,
      upstreams,
      recorder: isRecorded ? await Recorder.open(upstreams, { versions, registry }) : undefined,
      story,
      publisher: await sitePublisher(context, registry),
      control: env["CLUSTER_CONTROL"],
    });
  }

  get addresses(): Readonly<Record<Service, string>> {
    return { nomad: this.#address("nomad"), consul: this.#address("consul"), fabio: this.#address("fabio") };
  }

  async publish(site: Site): Promise<string> {
    const digest = await this.#publisher.publish(site);
    this.#recorder?.draft.image(siteKey(site), digest);
    return digest;
  }

  async visit(host: string, path: string): Promise<Visit> {
    const { status, text } = await httpGet(this.#address("visitor"), { host, path, headers: { host } });
    return { status, body: text };
  }

  get controllable(): boolean {
    return this.#control !== undefined;
  }

  async control(verb: ControlVerb, service: Service): Promise<void> {
    const file = this.#control;
    if (file === undefined) throw new Error("CLUSTER_CONTROL names no program that stops and starts services");
    const run = async (): Promise<void> => {
      const { code, stderr } = await runCommand({ file, args: [verb, service], env: {} });
      if (code !== 0) throw new Error(`${verb} ${service} ended with ${code}: ${stderr}`);
    };
    await (this.#recorder === undefined ? run() : this.#recorder.draft.act(`${verb} ${service}`, run));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#publisher[Symbol.dispose]();
    if (this.#recorder === undefined) return;
    const folder = await dataFolder(this.#upstreams.nomad);
    writeClusterRecording(
      this.#story,
      this.#recorder.draft.finish((text) => text.replaceAll(folder, "/var/lib/nomad")),
    );
    await this.#recorder[Symbol.asyncDispose]();
  }

  #address(asked: keyof Upstreams): string {
    return this.#recorder?.address(asked) ?? this.#upstreams[asked];
  }
}

/** What a run that was ended before its end has left: jobs of apps of tests, which are called `app-…`, and what Consul has of them. */
async function removeLeftovers({ nomad, consul }: Upstreams): Promise<void> {
  const jobs = (await readJson(`${nomad}/v1/jobs?prefix=app-`)) as Array<{ ID: string }>;
  for (const { ID } of jobs) await fetch(`${nomad}/v1/job/${ID}?purge=true`, { method: "DELETE" });
  const agent = (await readJson(`${consul}/v1/agent/services`)) as Record<string, { ID: string; Service: string }>;
  const standIns = Object.values(agent).filter(({ ID }) => ID.startsWith("steppe-handover-app-"));
  for (const { ID } of standIns) await fetch(`${consul}/v1/agent/service/deregister/${ID}`, { method: "PUT" });
  for (;;) {
    const services = (await readJson(`${consul}/v1/catalog/services`)) as Record<string, string[]>;
    if (!Object.keys(services).some((name) => name.startsWith("app-"))) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Where Nomad has its data, which is nobody's business but this machine's. */
async function dataFolder(nomad: string): Promise<string> {
  const self = (await readJson(`${nomad}/v1/agent/self`)) as { config: { DataDir: string } };
  return self.config.DataDir;
}
