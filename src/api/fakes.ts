import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import type { SourceTree } from "../builds/index.ts";
import { type Clock, systemClock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import { type Logger, silentLogger } from "../shared/log.ts";
import { DeliveryTable, Store, WebhookTable } from "../store/index.ts";
import { type Hint, WebhookRegistry, WebhookService } from "../webhooks/index.ts";
import { Api } from "./api.ts";
import type { ApiOptions, GitService, ImageService } from "./api-options.ts";
import { FakeDeployer } from "./fake-deployer.ts";
import type { ImageView } from "./types.ts";

export const TOKEN = "the-token-of-the-api-0123456789abcdef";

/** Logs that are written down. */
export function recordingLogger(
  lines: Array<{ level: string; fields: Record<string, unknown>; message: string }>,
): Logger {
  const at = (bound: object): Logger => {
    const write = (level: string) => (fields: object, message: string) =>
      void lines.push({ level, fields: { ...bound, ...fields }, message });
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      child: (fields) => at({ ...bound, ...fields }),
    };
  };
  return at({});
}

export interface RunningApi extends AsyncDisposable {
  api: Api;
  deployer: FakeDeployer;
  port: number;
  uploads: { received: Buffer[]; disposed: number };
  call(path: string, options?: CallOptions): Promise<Answer>;
}

export interface CallOptions {
  method?: string;
  headers?: Record<string, string>;
  /** null is no token. */
  token?: string | null;
  json?: unknown;
  body?: string | Buffer;
  socketPath?: string;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  json<Type = Record<string, unknown>>(): Type;
}

/** An API on a free port, with fakes around it. */
export async function startApi(
  more: Partial<ApiOptions> & { clock?: Clock; git?: GitService } = {},
): Promise<RunningApi> {
  const deployer = more.deployer instanceof FakeDeployer ? more.deployer : new FakeDeployer();
  const uploads = { received: [] as Buffer[], disposed: 0 };
  let port = 0;
  const api = new Api({
    deployer,
    git: {
      serve: async ({ answer }) => {
        answer.start(200, {});
        answer.end();
      },
    },
    uploads: {
      receive: async (app, archive) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of archive) chunks.push(chunk);
        uploads.received.push(Buffer.concat(chunks));
        return { tree: fakeTree(app), [Symbol.asyncDispose]: async () => void uploads.disposed++ };
      },
    },
    logs: {
      access: async function* access(app) {
        yield `${app}\n`;
      },
      build: async function* build(file) {
        yield `${file}\n`;
      },
    },
    images: fakeImages(),
    cluster: null,
    exportImage: async (digest, { name }) => {
      const bytes = Buffer.from(`${digest} as ${name}`);
      return {
        size: bytes.length,
        content: async function* content() {
          yield bytes;
        },
      };
    },
    backup: async () => Readable.from([Buffer.from("archive")]),
    webhooks: fakeWebhooks(),
    webhooksUrl: null,
    status: async () => ({
      version: "1",
      engine: "local",
      processes: [],
      addresses: addressesOf(port),
      dataFolder: "/data",
      disk: { files: 1, repositories: 2, other: 3 },
    }),
    replaceIngress: () => Promise.resolve(),
    ca: () => "PEM",
    addresses: () => addressesOf(port),
    token: TOKEN,
    apiHost: "api.example.com",
    log: silentLogger,
    clock: systemClock,
    ...more,
  });
  port = await api.listen("127.0.0.1", 0);
  return {
    api,
    deployer,
    port,
    uploads,
    call: (path, options) => call(port, path, options),
    [Symbol.asyncDispose]: () => api.close(),
  };
}

function addressesOf(port: number) {
  const api = `http://127.0.0.1:${port}`;
  const webhooks = "http://127.0.0.1:7071/hooks/";
  return { http: "http://127.0.0.1:8080", https: "https://127.0.0.1:8443", api, git: `${api}/git/`, webhooks };
}

/** On a store in memory, and with nothing that listens. */
function fakeWebhooks(): WebhookService {
  const store = Store.open(":memory:");
  const registry = new WebhookRegistry({ table: new WebhookTable(store), clock: systemClock, newSecret: () => TOKEN });
  const listener = { follow: () => Promise.resolve(), address: () => null };
  return new WebhookService({
    registry,
    deliveries: new DeliveryTable<Hint>(store),
    listener,
    onHints: () => {},
    clock: systemClock,
  });
}

function fakeTree(label: string): SourceTree {
  return {
    label,
    list: async () => [],
    hasFile: async () => false,
    read: async function* read() {},
    checkout: async () => {},
  };
}

function call(port: number, path: string, options: CallOptions = {}): Promise<Answer> {
  const { token = TOKEN, json, socketPath, headers = {} } = options;
  const body = json === undefined ? options.body : JSON.stringify(json);
  const target = socketPath === undefined ? { host: "127.0.0.1", port } : { socketPath };
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      ...target,
      path,
      method: options.method ?? (body === undefined ? "GET" : "POST"),
      agent: false,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
    });
    request.once("error", reject);
    request.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk)).once("error", reject);
      response.once("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: <Type>() => JSON.parse(text) as Type,
        });
      });
    });
    request.end(body);
  });
}

export const image: ImageView = {
  digest: `sha256:${"a".repeat(64)}`,
  kind: "data",
  files: 3,
  bytes: 1000,
  createdAt: 1,
  uses: [{ app: "blog", release: 2, live: true, source: "refs/tags/v2" }],
};

/** Knows one image, and of registries whatever is asked for. */
function fakeImages(): ImageService {
  return {
    list: () => [image],
    inspect: async (wanted) => ({
      digest: image.digest,
      reference: wanted,
      kept: null,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      platforms: ["linux/amd64"],
      manifest: {},
      config: null,
      layers: [],
      served: { by: null, why: "it is a test" },
    }),
    async pull(reference, { progress }) {
      progress(`pulling ${reference}`);
      return image;
    },
    async push(digest, reference, { progress }) {
      progress("pushing");
      if (digest === image.digest) return { digest, reference, blobs: { there: 1, mounted: 0, uploaded: 2 }, bytes: 7 };
      throw new SteppeError("IMAGE_NOT_FOUND", { operation: "push", subject: digest, cause: "it is not kept here" });
    },
  };
}
