import { SteppeError } from "../shared/errors.ts";
import type {
  AppDefinition,
  ApplyRequest,
  ApplyResult,
  AppView,
  Deployment,
  DeploymentEvent,
  DeliveryView,
  GarbageReport,
  ImageDetails,
  ImageEvent,
  ImagePushed,
  ImageView,
  NewWebhookRequest,
  PlatformStatus,
  Release,
  RemovalView,
  WebhookSetup,
  WebhookTest,
  WebhookView,
} from "./types.ts";
import { ClusterClient } from "./cluster-client.ts";
import { type ApiCall, type ApiTarget, bodyOf, callApi, readText, unreachable } from "./client-transport.ts";

export type { ApiTarget };

const MOST_JSON_BYTES = 256 * 1024 * 1024;
const MOST_LINE = 4 * 1024 * 1024;

/** How a deployment becomes live. */
export interface SwitchOptions {
  /** Leaves nothing of what was live before reachable. */
  noGrace?: boolean;
}

/** Which lines of a log. */
export interface LogOptions {
  /** How many of the last lines; all that are kept if absent. */
  lines?: number | undefined;
  /** Whether to go on with what comes. */
  follow?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * The API's client. Every method rejects with the API's own SteppeError, or with API_UNREACHABLE if there was no answer; see
 * types.ts for the routes.
 */
export class SteppeClient {
  /** What there is on a cluster only. */
  readonly cluster: ClusterClient;
  readonly #target: ApiTarget;

  constructor(target: ApiTarget) {
    this.#target = target;
    this.cluster = new ClusterClient((call) => this.#json(call));
  }

  get url(): string {
    return this.#target.url;
  }

  /** Whether an API is there at all; needs no token. */
  async health(): Promise<void> {
    await this.#done({ method: "GET", path: "/healthz" });
  }

  async status(): Promise<PlatformStatus> {
    return (await this.#json({ method: "GET", path: "/v1/status" })) as PlatformStatus;
  }

  async apps(): Promise<AppView[]> {
    return (await this.#json({ method: "GET", path: "/v1/apps" })) as AppView[];
  }

  async app(name: string): Promise<AppView> {
    return (await this.#json({ method: "GET", path: appPath(name) })) as AppView;
  }

  async addApp(definition: AppDefinition): Promise<AppView> {
    return (await this.#json({ method: "POST", path: "/v1/apps", json: { definition } })) as AppView;
  }

  async removal(name: string): Promise<RemovalView> {
    return (await this.#json({ method: "GET", path: `${appPath(name)}/removal` })) as RemovalView;
  }

  async removeApp(name: string): Promise<void> {
    await this.#done({ method: "DELETE", path: appPath(name) });
  }

  async apply(request: ApplyRequest): Promise<ApplyResult> {
    return (await this.#json({ method: "POST", path: "/v1/apply", json: request })) as ApplyResult;
  }

  /** The newest first. */
  async releases(name: string): Promise<Release[]> {
    return (await this.#json({ method: "GET", path: `${appPath(name)}/releases` })) as Release[];
  }

  /** The image of a release: a tar archive of an OCI image layout, whose `index.json` comes last. */
  image(name: string, release: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.#stream({ method: "GET", path: `${appPath(name)}/releases/${release}/image`, signal });
  }

  /** The newest first. */
  async deployments(name: string, limit: number): Promise<Deployment[]> {
    return (await this.#json({ method: "GET", path: `${appPath(name)}/deployments?limit=${limit}` })) as Deployment[];
  }

  async deploy(
    name: string,
    what: { tag: string } | { branch: string } | { image: string },
    { noGrace }: SwitchOptions = {},
  ): Promise<Deployment> {
    const json = { ...what, ...(noGrace === true ? { noGrace } : {}) };
    return (await this.#json({ method: "POST", path: `${appPath(name)}/deployments`, json })) as Deployment;
  }

  /**
   * Deploys a folder. Rejects also with FOLDER_MISSING, FILE_UNSUPPORTED, PATH_NOT_UTF8, UPLOAD_INVALID for what is in the folder.
   */
  async upload(
    name: string,
    folder: string,
    { noGrace, signal }: SwitchOptions & { signal?: AbortSignal } = {},
  ): Promise<Deployment> {
    const { tarFolder } = await import("./tar-folder.ts");
    const path = `${appPath(name)}/uploads${noGrace === true ? "?noGrace=1" : ""}`;
    return (await this.#json({ method: "POST", path, body: tarFolder(folder), signal })) as Deployment;
  }

  /** Without a release, to the one that was live before. */
  async rollback(name: string, release?: number, { noGrace }: SwitchOptions = {}): Promise<Deployment> {
    const json = { ...(release === undefined ? {} : { release }), ...(noGrace === true ? { noGrace } : {}) };
    return (await this.#json({ method: "POST", path: `${appPath(name)}/rollback`, json })) as Deployment;
  }

  /** Lets a deployment go on that waits for approval; without its number, the app's newest of them. */
  async approve(name: string, deployment?: number): Promise<Deployment> {
    const json = deployment === undefined ? {} : { deployment };
    return (await this.#json({ method: "POST", path: `${appPath(name)}/approve`, json })) as Deployment;
  }

  /** Ends a deployment that waits for approval. */
  async reject(name: string, deployment?: number): Promise<Deployment> {
    const json = deployment === undefined ? {} : { deployment };
    return (await this.#json({ method: "POST", path: `${appPath(name)}/reject`, json })) as Deployment;
  }

  /** From now on nothing of the app goes live by itself. */
  async pause(name: string, reason?: string): Promise<AppView> {
    const json = reason === undefined ? {} : { reason };
    return (await this.#json({ method: "POST", path: `${appPath(name)}/pause`, json })) as AppView;
  }

  async resume(name: string): Promise<AppView> {
    return (await this.#json({ method: "POST", path: `${appPath(name)}/resume` })) as AppView;
  }

  async purge(name: string): Promise<void> {
    await this.#done({ method: "POST", path: `${appPath(name)}/purge` });
  }

  async deployment(id: number): Promise<Deployment> {
    return (await this.#json({ method: "GET", path: `/v1/deployments/${id}` })) as Deployment;
  }

  /** The events of a deployment, from its first until it has ended. */
  async *events(id: number, signal?: AbortSignal): AsyncGenerator<DeploymentEvent> {
    const chunks = this.#stream({ method: "GET", path: `/v1/deployments/${id}/events`, signal });
    for await (const line of linesOf(chunks, this.#target)) {
      if (line !== "") yield parse(line, this.#target) as DeploymentEvent;
    }
  }

  /** The lines of the access log of an app. */
  accessLog(name: string, options: LogOptions = {}): AsyncGenerator<string> {
    return this.#lines(`${appPath(name)}/logs`, options);
  }

  /** The lines of the log of a build: of the app's newest one, if no deployment is named. */
  buildLog(name: string, options: LogOptions & { deployment?: number | undefined } = {}): AsyncGenerator<string> {
    return this.#lines(`${appPath(name)}/build-log`, options);
  }

  async webhooks(): Promise<WebhookView[]> {
    return (await this.#json({ method: "GET", path: "/v1/webhooks" })) as WebhookView[];
  }

  async webhook(name: string): Promise<WebhookView> {
    return (await this.#json({ method: "GET", path: webhookPath(name) })) as WebhookView;
  }

  async addWebhook(json: NewWebhookRequest): Promise<WebhookSetup> {
    return (await this.#json({ method: "POST", path: "/v1/webhooks", json })) as WebhookSetup;
  }

  /** A new secret; the one before holds for `keepMs` more, or ends at once if that is 0. */
  async rotateWebhook(name: string, json: { keepMs: number; secret?: string }): Promise<WebhookSetup> {
    return (await this.#json({ method: "POST", path: `${webhookPath(name)}/rotate`, json })) as WebhookSetup;
  }

  /** The secret before holds no longer. */
  async finishRotation(name: string): Promise<WebhookView> {
    return (await this.#json({ method: "POST", path: `${webhookPath(name)}/finish-rotation` })) as WebhookView;
  }

  async removeWebhook(name: string): Promise<void> {
    await this.#done({ method: "DELETE", path: webhookPath(name) });
  }

  /** Sends a delivery as its sender would, and waits some seconds for what comes of it. */
  async testWebhook(name: string, signal?: AbortSignal): Promise<WebhookTest> {
    return (await this.#json({ method: "POST", path: `${webhookPath(name)}/test`, signal })) as WebhookTest;
  }

  /** The newest first; with `before`, only those with a lower number. */
  async deliveries(options: { webhook?: string; before?: number; limit: number }): Promise<DeliveryView[]> {
    const query = new URLSearchParams(Object.entries(options).map(([name, value]) => [name, String(value)]));
    return (await this.#json({ method: "GET", path: `/v1/deliveries?${query.toString()}` })) as DeliveryView[];
  }

  /** Reads a delivery once again, as a new one. */
  async redeliver(id: number): Promise<DeliveryView> {
    return (await this.#json({ method: "POST", path: `/v1/deliveries/${id}/redeliver` })) as DeliveryView;
  }

  /** The images that are kept, the newest first. */
  async images(): Promise<ImageView[]> {
    return (await this.#json({ method: "GET", path: "/v1/images" })) as ImageView[];
  }

  /** By digest one that is kept, else one of a registry. */
  async inspectImage(wanted: string): Promise<ImageDetails> {
    const path = `/v1/images/inspect?of=${encodeURIComponent(wanted)}`;
    return (await this.#json({ method: "GET", path })) as ImageDetails;
  }

  /** Fetches an image of a registry. `tell` is told what is going on. */
  async pullImage(reference: string, tell: (message: string) => void, signal?: AbortSignal): Promise<ImageView> {
    const { image } = await this.#told({ method: "POST", path: "/v1/images/pull", json: { reference }, signal }, tell);
    if (image !== undefined) return image;
    throw unreachable(this.#target, new Error("its answer broke off"));
  }

  /** Sends an image that is kept to a registry. */
  async pushImage(
    digest: string,
    reference: string,
    tell: (message: string) => void,
    signal?: AbortSignal,
  ): Promise<ImagePushed> {
    const json = { digest, reference };
    const { pushed } = await this.#told({ method: "POST", path: "/v1/images/push", json, signal }, tell);
    if (pushed !== undefined) return pushed;
    throw unreachable(this.#target, new Error("its answer broke off"));
  }

  async collectGarbage(): Promise<GarbageReport> {
    return (await this.#json({ method: "POST", path: "/v1/gc" })) as GarbageReport;
  }

  /** A backup of everything, a tar archive. */
  backup(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    return this.#stream({ method: "GET", path: "/v1/backup", signal });
  }

  /** The local CA's certificate, PEM; needs no token. */
  async ca(): Promise<string> {
    const response = await callApi(this.#target, { method: "GET", path: "/v1/ca" });
    return await readText(response, MOST_LINE, this.#target);
  }

  #lines(path: string, options: LogOptions & { deployment?: number | undefined }): AsyncGenerator<string> {
    const query = new URLSearchParams();
    if (options.follow === true) query.set("follow", "1");
    if (options.lines !== undefined) query.set("lines", String(options.lines));
    if (options.deployment !== undefined) query.set("deployment", String(options.deployment));
    const search = query.size === 0 ? "" : `?${query.toString()}`;
    return linesOf(this.#stream({ method: "GET", path: path + search, signal: options.signal }), this.#target);
  }

  async *#stream(call: ApiCall): AsyncGenerator<Buffer> {
    const response = await callApi(this.#target, call);
    yield* bodyOf(response, this.#target, call.signal);
  }

  /** The last of the lines that tell how work goes on. */
  async #told(call: ApiCall, tell: (message: string) => void): Promise<ImageEvent> {
    let last: ImageEvent = {};
    for await (const text of linesOf(this.#stream(call), this.#target)) {
      if (text === "") continue;
      last = parse(text, this.#target) as ImageEvent;
      if (last.message !== undefined) tell(last.message);
      if (last.error !== undefined) throw SteppeError.fromJSON(last.error);
    }
    return last;
  }

  async #json(call: ApiCall): Promise<unknown> {
    const response = await callApi(this.#target, call);
    return parse(await readText(response, MOST_JSON_BYTES, this.#target), this.#target);
  }

  async #done(call: ApiCall): Promise<void> {
    (await callApi(this.#target, call)).resume();
  }
}

function appPath(name: string): string {
  return `/v1/apps/${encodeURIComponent(name)}`;
}

function webhookPath(name: string): string {
  return `/v1/webhooks/${encodeURIComponent(name)}`;
}

function parse(text: string, target: ApiTarget): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const cause = new Error(`its answer is no JSON: ${text.slice(0, 100)}`, { cause: error });
    throw unreachable(target, cause);
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>, target: ApiTarget): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (rest.length > MOST_LINE)
      throw unreachable(target, new Error(`it sent a line of more than ${MOST_LINE} characters`));
  }
  if (rest !== "") yield rest;
}
