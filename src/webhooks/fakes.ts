import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";
import { DeliveryTable, Store } from "../store/index.ts";
import { type Clock, FakeClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import {
  type DeliveryJournal,
  type Hint,
  type JournaledHint,
  Receiver,
  type ReceiverLimits,
  type Sender,
  senders,
  type Webhook,
} from "./index.ts";
import { proven, type Sample, SECRET } from "./senders/fakes.ts";

export interface Answer {
  status: number;
  text: string;
  json: Record<string, unknown>;
}

/** A sample of each sender that brings a hint, and how it proves itself. */
export const pushes: Array<[Sender, string, string]> = [
  ["docker-hub", "docker-hub", "docker-hub"],
  ["github", "github", "github-push-tag"],
  ["github", "github", "ghcr-registry-package"],
  ["distribution", "distribution", "distribution-push"],
  ["gitlab", "gitlab with a token", "gitlab-tag-push"],
  ["gitlab", "gitlab's registry", "gitlab-registry"],
  ["harbor", "harbor", "harbor-push"],
  ["quay", "quay", "quay-push"],
  ["gitea", "gitea", "gitea-push-tag"],
  ["gitea", "forgejo", "forgejo-create-tag"],
];

/** A receiver with a webhook of each sender, named after it, on a store in memory. */
export async function startReceiver(
  options: { store?: Store; journal?: DeliveryJournal; clock?: Clock; limits?: Partial<ReceiverLimits> } = {},
) {
  const store = options.store ?? Store.open(":memory:");
  const table = new DeliveryTable<Hint>(store);
  const known = new Map<string, Webhook>(
    senders.map((sender) => [sender, { name: sender, sender, secrets: [SECRET] }]),
  );
  const hints: JournaledHint[] = [];
  const receiver = new Receiver({
    webhooks: { find: (name) => known.get(name) },
    journal: options.journal ?? table,
    onHints: (more) => hints.push(...more),
    clock: options.clock ?? new FakeClock(),
    log: silentLogger,
    limits: options.limits ?? {},
  });
  const port = await receiver.listen("127.0.0.1", 0);
  return {
    receiver,
    port,
    store,
    table,
    known,
    hints,
    /** Sends what is proven by the secret, or another. */
    deliver: (name: string, what: Sample, { secret = SECRET, webhook }: { secret?: string; webhook?: string } = {}) => {
      const { headers, pathToken } = proven(name, secret, what);
      const address = `/hooks/${webhook ?? name}${pathToken === null ? "" : `/${pathToken}`}`;
      return post(port, address, headers as Record<string, string>, what.body);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await receiver.close();
      if (options.store === undefined) store.close();
    },
  };
}

export async function post(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  body: Uint8Array | string = "",
  method = "POST",
): Promise<Answer> {
  const request = httpRequest({ port, host: "127.0.0.1", path, method, headers, agent: false });
  request.on("error", () => {}); // it may be answered and closed before all was sent; what was answered is what is looked at
  request.end(body);
  const [response] = (await once(request, "response")) as [AsyncIterable<Buffer> & { statusCode: number }];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode, text, json: JSON.parse(text) as Record<string, unknown> };
}

/** A connection on which anything can be sent, and what came back on it so far. */
export async function rawConnection(
  port: number,
): Promise<{ socket: Socket; received(): string; closed: Promise<unknown> }> {
  const socket = connect({ port, host: "127.0.0.1" });
  await once(socket, "connect");
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  socket.on("error", () => {}); // reset by the other side; `close` follows, which is waited for
  const closed = new Promise((resolve) => socket.once("close", resolve));
  return { socket, received: () => text, closed };
}

/** A journal that a test makes fail. */
export class BrokenJournal implements DeliveryJournal {
  readonly #inner: DeliveryJournal;
  /** Decides of each call of `record` and `settleHints` whether it throws. */
  fails: (call: "record" | "settle") => boolean = () => true;

  constructor(inner: DeliveryJournal) {
    this.#inner = inner;
  }

  record: DeliveryJournal["record"] = (deliveries) => {
    if (this.fails("record")) throw new Error("disk I/O error");
    return this.#inner.record(deliveries);
  };
  settleHints: DeliveryJournal["settleHints"] = (...args) => {
    if (this.fails("settle")) throw new Error("disk I/O error");
    this.#inner.settleHints(...args);
  };
  pendingHints = (): JournaledHint[] => this.#inner.pendingHints();
  get: DeliveryJournal["get"] = (id) => this.#inner.get(id);
  prune: DeliveryJournal["prune"] = (...args) => this.#inner.prune(...args);
}

/** A sample of which each number is another push. */
export function numbered(index: number): Sample {
  const event = {
    id: `event-${index}`,
    action: "push",
    target: { repository: "sites/blog", tag: `v${index}`, digest: `sha256:${"a".repeat(64)}` },
    request: { host: "registry.example.com" },
  };
  const headers = { "content-type": "application/vnd.docker.distribution.events.v2+json" };
  return { headers, body: Buffer.from(JSON.stringify({ events: [event] })) };
}
