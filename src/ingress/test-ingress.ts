import { hash as digest } from "node:crypto";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { type Agent as HttpAgent, type IncomingHttpHeaders, request as httpRequest } from "node:http";
import { type Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { ingressFolders } from "./ingress-config.ts";
import { IngressSupervisor, type IngressSupervisorOptions } from "./ingress-supervisor.ts";
import { SiteIndexMaker, type SiteOptions, type SiteRelease } from "./snapshot/index.ts";

/** How tests start an ingress process: Node's flags of the test runner are not for it. */
export const testProgram = {
  execPath: process.execPath,
  execArgv: [],
  script: fileURLToPath(new URL("./main.ts", import.meta.url)),
};

/** Where a content lies. */
interface Place {
  pack: string;
  offset: number;
  size: number;
}

/** A data folder of a test, with packs and site indexes in it. */
export class TestData {
  readonly folder: string;
  readonly folders: ReturnType<typeof ingressFolders>;
  readonly #places = new Map<string, Place>();
  #packs = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.folders = ingressFolders(folder);
    for (const one of Object.values(this.folders)) mkdirSync(one, { recursive: true });
  }

  static async make(): Promise<TestData> {
    return new TestData(await mkdtemp(join(tmpdir(), "steppe-ingress-")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Stores contents in a pack of their own. */
  store(contents: readonly (string | Buffer)[]): Buffer[] {
    const pack = `${++this.#packs}.pack`;
    const hashes: Buffer[] = [];
    const bytes: Buffer[] = [Buffer.from("pack")];
    let offset = 4;
    for (const content of contents) {
      const body = Buffer.from(content);
      const hash = digest("sha256", body, "buffer");
      this.#places.set(hash.toString("hex"), { pack, offset, size: body.length });
      hashes.push(hash);
      bytes.push(body);
      offset += body.length;
    }
    writeFileSync(join(this.folders.packs, pack), Buffer.concat(bytes));
    return hashes;
  }

  place(hash: Uint8Array): Place | undefined {
    return this.#places.get(Buffer.from(hash).toString("hex"));
  }

  /** As the file store of `images/` has it. */
  locateWithEncodings(hashes: readonly Uint8Array[]) {
    return hashes.map((hash) => {
      const file = this.place(hash);
      return file && { file, encodings: {} };
    });
  }

  /** Writes the site index of a release. */
  release(
    app: string,
    release: number,
    files: Record<string, string | Buffer>,
    options: SiteOptions = {},
  ): SiteRelease {
    const paths = Object.keys(files);
    const hashes = this.store(Object.values(files));
    using maker = new SiteIndexMaker(options);
    for (const [i, path] of paths.entries()) {
      const hash = hashes[i] ?? Buffer.alloc(0);
      maker.add({ path, hash, identity: this.place(hash) ?? { pack: "", offset: 0, size: 0 } });
    }
    const index = `${app}/${release}-${this.#packs.toString(16)}.site`;
    mkdirSync(join(this.folders.sites, app), { recursive: true });
    writeFileSync(join(this.folders.sites, index), maker.finish(release).index);
    return { release, index };
  }

  /** Puts a self-signed certificate with its key into the folder of certificates: `blog` (blog.test), `wildcard` (*.wild.test), `default`. */
  certificate(name: "blog" | "wildcard" | "default"): string {
    const file = `${name}.pem`;
    copyFileSync(new URL(`./test-certificates/${file}`, import.meta.url), join(this.folders.certificates, file));
    return file;
  }

  supervise(options: Partial<IngressSupervisorOptions> = {}): Promise<IngressSupervisor> {
    const address = { host: "127.0.0.1", port: 0 };
    return IngressSupervisor.start({
      http: address,
      https: address,
      workers: 2,
      dataFolder: this.folder,
      buildId: "test",
      clock: systemClock,
      log: silentLogger,
      program: testProgram,
      drain: { idleMs: 500, mostMs: 5_000 },
      ...options,
    });
  }
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Asking {
  port: number;
  host: string;
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  tls?: boolean;
  agent?: HttpAgent | HttpsAgent;
}

/** Asks 127.0.0.1, on a connection of its own unless an agent is given. */
export function ask({
  port,
  host,
  path = "/",
  method = "GET",
  headers = {},
  body,
  tls = false,
  agent,
}: Asking): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options = { host: "127.0.0.1", port, path, method, headers: { host, ...headers }, agent: agent ?? false };
  const request = tls
    ? httpsRequest({ ...options, servername: host, rejectUnauthorized: false })
    : httpRequest(options);
  request.on("error", reject);
  request.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
    );
  });
  request.end(body);
  return promise;
}
