import { writeFileSync } from "node:fs";
import type { WebhookSetup } from "../../src/api/types.ts";
import type { Service } from "../../test/support/cluster/cluster.ts";
import { type RunningSteppe, startSteppe } from "../../test/support/steppe.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { until } from "./until.ts";

/** An app whose images are made elsewhere. */
export interface WebhookApp {
  app: string;
  /** Of its images, with the registry's host. */
  repository: string;
  minHealthyMs: number;
}

/** `steppe up --engine nomad` as its users run it, told of images by the webhook of a registry. */
export class WebhookPlatform implements AsyncDisposable {
  readonly #steppe: RunningSteppe;
  readonly #webhook: WebhookSetup;

  private constructor(steppe: RunningSteppe, webhook: WebhookSetup) {
    this.#steppe = steppe;
    this.#webhook = webhook;
  }

  static async start(addresses: Readonly<Record<Service, string>>): Promise<WebhookPlatform> {
    const env = { NOMAD_ADDR: addresses.nomad, CONSUL_HTTP_ADDR: addresses.consul };
    const steppe = await startSteppe({ engine: "nomad", args: ["--fabio", addresses.fabio], env });
    const webhook = await steppe.json("webhook", "add", "registry", "--sender", "distribution");
    return new WebhookPlatform(steppe, webhook as WebhookSetup);
  }

  /** Declares an app; resolves when the tag that its registry has already is live. */
  async add({ app, repository, minHealthyMs }: WebhookApp): Promise<void> {
    const times = { minHealthyTime: `${minHealthyMs}ms`, healthyDeadline: "60s", shutdownDelay: "500ms" };
    const run = { cpu: 50, memory: 16, ...times };
    // So seldom that it is the webhook that tells.
    const declared = { domains: [`${app}.test`], image: repository, poll: "1d", run };
    using folder = temporaryFolder("declared");
    writeFileSync(folder.file("steppe.yaml"), JSON.stringify({ apps: { [app]: declared } }));
    const { code, stderr } = await this.#steppe.cliIn(folder.path, "apply", "--yes");
    if (code !== 0) throw new Error(`apply ended with ${code}: ${stderr}`);
    await this.#untilLive(app, 1);
  }

  /** Tells of a tag that the registry has; resolves when it is live. Throws if its deployment fails. */
  async tell({ app, repository }: WebhookApp, tag: string): Promise<void> {
    const count = this.#ended(app).length + 1;
    const [host, ...path] = repository.split("/");
    const target = { repository: path.join("/"), tag, mediaType: "application/vnd.oci.image.index.v1+json" };
    const event = { id: `${app}-${tag}`, action: "push", target, request: { host } };
    const { url, secret } = this.#webhook;
    const authorization = `Bearer ${secret}`;
    const headers = { authorization, "content-type": "application/vnd.docker.distribution.events.v2+json" };
    const { status } = await fetch(url, { method: "POST", headers, body: JSON.stringify({ events: [event] }) });
    if (status !== 202) throw new Error(`the webhook was answered ${status}`);
    await this.#untilLive(app, count);
  }

  async remove(app: string): Promise<void> {
    const { code, stderr } = await this.#steppe.cli("app", "remove", app, "--yes");
    if (code !== 0) throw new Error(`the removal of ${app} ended with ${code}: ${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#steppe[Symbol.asyncDispose]();
  }

  async #untilLive(app: string, count: number): Promise<void> {
    const last = await until(`deployment ${count} of ${app}`, () =>
      Promise.resolve(this.#ended(app).length >= count ? this.#ended(app).at(-1) : undefined),
    );
    if (last?.["step"] !== "live") throw new Error(`a deployment of ${app}: ${String(last?.["message"])}`);
  }

  #ended(app: string): RunningSteppe["events"] {
    return this.#steppe.events.filter(
      (event) => event["app"] === app && ["live", "failed", "superseded"].includes(String(event["step"])),
    );
  }
}
