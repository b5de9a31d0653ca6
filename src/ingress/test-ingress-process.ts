import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { silentLogger } from "../shared/log.ts";
import type { IngressLimits } from "./ingress-config.ts";
import { IngressProcess } from "./ingress-process.ts";
import { emptySnapshot, encodeSnapshot, type Snapshot } from "./snapshot/index.ts";
import { ask, type Asking, type TestData } from "./test-ingress.ts";

/** An ingress in this process, from a snapshot on disk. */
export class Ingress {
  readonly data: TestData;
  readonly process: IngressProcess;
  http = 0;
  https = 0;

  constructor(data: TestData, limits: Partial<IngressLimits> = {}) {
    this.data = data;
    const listener = { address: { host: "127.0.0.1", port: 0 }, fd: null };
    const config = { id: "t", slot: 0, buildId: "t", dataFolder: data.folder, http: listener, https: listener, limits };
    this.process = new IngressProcess({ ...config, accept: "at once", readyFd: null }, silentLogger);
  }

  static async start(data: TestData, snapshot: Snapshot, limits: Partial<IngressLimits> = {}): Promise<Ingress> {
    writeFileSync(join(data.folders.ingress, "snapshot.json"), encodeSnapshot(snapshot));
    const ingress = new Ingress(data, limits);
    const { http, https } = await ingress.process.accept();
    ingress.http = http.port;
    ingress.https = https.port;
    return ingress;
  }

  ask(asking: Partial<Asking> = {}) {
    return ask({ host: "blog.test", ...asking, port: asking.tls ? this.https : this.http });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.drain({ idleMs: 0, mostMs: 100 });
    await this.process.ended;
  }
}

/** One site, `blog`, at `blog.test`. */
export function siteSnapshot(data: TestData, files: Record<string, string | Buffer>): Snapshot {
  const snapshot = emptySnapshot();
  snapshot.sites.set("blog", { current: data.release("blog", 1, files), staged: [], grace: [] });
  snapshot.routes.set("blog.test", { kind: "site", app: "blog", redirectToHttps: false });
  return snapshot;
}

export async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}

/** What comes on a connection until it ends. */
export async function everything(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {}); // a reset ends it too
  await new Promise((resolve) => socket.once("close", resolve));
  return Buffer.concat(chunks).toString();
}
