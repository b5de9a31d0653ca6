import { join } from "node:path";
import type { Logger } from "../shared/log.ts";
import { CoreHost, FileBodies, FileSender, inPack, SITE_VERSION } from "../site-server/index.ts";
import { AccessLog } from "./access-log.ts";
import type { DrainTimes, IngressAddresses, IngressStatus } from "./control-protocol.ts";
import { defaultLimits, type IngressConfig, ingressFolders, type IngressLimits } from "./ingress-config.ts";
import { Listeners } from "./listeners.ts";
import { probeRelease } from "./probe-release.ts";
import { releaseMemorySoon } from "../shared/release-memory.ts";
import { IngressHandler } from "./request-handler.ts";
import { ServingTable } from "./serving-table.ts";
import { SiteIndexes } from "./site-indexes.ts";
import { type ProbeAnswer, type ProbeRequest, type Snapshot, SnapshotFiles } from "./snapshot/index.ts";
import { TlsContexts } from "./tls-contexts.ts";

/** All that an ingress process does, but for its control socket and the process itself. */
export class IngressProcess {
  readonly config: IngressConfig;
  readonly listeners: Listeners;
  readonly #log: Logger;
  readonly #limits: IngressLimits;
  readonly #files: SnapshotFiles;
  readonly #indexes: SiteIndexes;
  readonly #contexts: TlsContexts;
  readonly #core = new CoreHost();
  readonly #bodies: FileBodies;
  readonly #sender: FileSender;
  readonly #accessLog: AccessLog;
  readonly #startedAt = Date.now();
  #table: ServingTable;
  #pending: ServingTable | undefined;
  #state: IngressStatus["state"] = "waiting";
  #addresses: IngressAddresses | null = null;
  readonly #ended = Promise.withResolvers<void>();
  #hasEnded = false;

  /** Reads the snapshot on disk. Throws if the data folder cannot be used. */
  constructor(config: IngressConfig, log: Logger) {
    this.config = config;
    this.#log = log;
    this.#limits = { ...defaultLimits, ...config.limits };
    const folders = ingressFolders(config.dataFolder);
    this.#files = new SnapshotFiles(folders.ingress);
    this.#contexts = new TlsContexts(folders.certificates, this.#limits.tlsContexts);
    this.#bodies = new FileBodies({ folder: folders.packs, cacheBytes: this.#limits.bodyCacheBytes });
    this.#sender = new FileSender(this.#core, this.#bodies, inPack);
    const { indexCacheBytes } = this.#limits;
    this.#indexes = new SiteIndexes(folders.sites, this.#core, indexCacheBytes, () => this.#sender.forget());
    this.#accessLog = new AccessLog(join(folders.logs, `access-${config.slot}.log`), this.#limits.accessLogBytes);
    this.listeners = new Listeners({
      core: this.#core,
      limits: this.#limits,
      handler: this.#handler(),
      contextFor: (name) => {
        const file = this.#table.certificate(name.toLowerCase());
        return file === undefined ? undefined : this.#contexts.get(file);
      },
      onAcceptError: (error) => this.#log.error({ err: error }, "connections are not accepted"),
    });
    this.#table = new ServingTable(this.#loadFromDisk(), this.#indexes);
    this.#useDefaultCertificate(null);
  }

  /** Resolves when it has drained. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  status(): IngressStatus {
    return {
      pid: process.pid,
      id: this.config.id,
      slot: this.config.slot,
      buildId: this.config.buildId,
      siteVersion: SITE_VERSION,
      startedAt: this.#startedAt,
      state: this.#state,
      addresses: this.#addresses,
      generation: this.#table.snapshot.generation,
      connections: this.listeners.connections,
      requests: this.listeners.requests,
    };
  }

  /** Begins to accept connections. Rejects with a ListenFailure. Doing it again changes nothing. */
  async accept(): Promise<IngressAddresses> {
    if (this.#addresses === null) {
      this.#addresses = await this.listeners.listen(this.config.http, this.config.https);
      this.#state = "accepting";
      this.#releaseMemorySoon(); // what only the start needed
    }
    return this.#addresses;
  }

  /** Reads the snapshot that is to come, and what is new in it. Throws CONTENT_CORRUPT or the system's error. */
  prepare(generation: number): void {
    const snapshot = this.#files.readNext();
    if (snapshot.generation !== generation) throw new Error(`the snapshot is of generation ${snapshot.generation}`);
    const table = new ServingTable(snapshot, this.#indexes);
    table.loadNew(this.#table);
    const certificate = snapshot.defaultCertificate;
    if (certificate !== null && certificate !== this.#table.snapshot.defaultCertificate)
      this.#contexts.get(certificate);
    this.#pending = table;
  }

  switch(generation: number): void {
    if (this.#table.snapshot.generation === generation) return;
    if (this.#pending?.snapshot.generation !== generation) throw new Error(`generation ${generation} was not prepared`);
    this.#serve(this.#pending);
  }

  discard(): void {
    this.#pending = undefined;
  }

  /** Serves what is on disk now. */
  reload(): number {
    this.#serve(new ServingTable(this.#loadFromDisk(), this.#indexes));
    return this.#table.snapshot.generation;
  }

  probe(request: ProbeRequest): Promise<Omit<ProbeAnswer, "process">> {
    return probeRelease(request, {
      table: this.#table,
      indexes: this.#indexes,
      core: this.#core,
      files: this.#sender,
      bodies: this.#bodies,
    });
  }

  /**
   * Stops accepting and resolves `ended` when the last connection has. Each request is still answered, with `Connection: close`; so is one on
   * a connection that has not asked yet. Draining again only shortens the time.
   */
  drain({ idleMs, mostMs }: DrainTimes): void {
    if (this.#state !== "draining") {
      const accepting = this.#state === "accepting";
      this.#state = "draining";
      this.listeners.drain();
      const stopped = accepting ? this.listeners.stopAccepting() : Promise.resolve();
      void stopped.then(() => this.#end());
    }
    setTimeout(() => this.listeners.endIdle(), idleMs).unref();
    // The second look is for connections that became idle in between: they were told to close, and did not.
    setTimeout(() => this.listeners.endIdle(), idleMs + 2000).unref();
    setTimeout(() => {
      this.listeners.endAll();
      this.#end();
    }, mostMs).unref();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#bodies.closeIdle();
    this.#accessLog.close();
    this.#ended.resolve();
  }

  /** Thoroughly, if no visitor is connected. */
  #releaseMemorySoon(): void {
    releaseMemorySoon(() => this.listeners.connections === 0);
  }

  #serve(table: ServingTable): void {
    this.#releaseMemorySoon(); // the indexes that it takes the place of
    const before = this.#table.snapshot.defaultCertificate;
    this.#table = table;
    this.#pending = undefined;
    this.#indexes.keepOnly(table.files());
    this.#useDefaultCertificate(before);
  }

  #loadFromDisk(): Snapshot {
    const { snapshot, damage } = this.#files.load();
    if (damage !== undefined) this.#log.error({ err: damage }, "the snapshot is damaged; serving the one before it");
    return snapshot;
  }

  /** For clients that name no host, and names that no certificate is for. */
  #useDefaultCertificate(before: string | null): void {
    const file = this.#table.snapshot.defaultCertificate;
    if (file === null || file === before) return;
    try {
      const pem = this.#contexts.read(file);
      this.listeners.https.setDefaultCertificate({ key: pem, cert: pem });
    } catch (error) {
      this.#log.error({ err: error, file }, "the default certificate cannot be used");
    }
  }

  #handler(): IngressHandler {
    return new IngressHandler({
      table: () => this.#table,
      pending: () => this.#pending,
      indexes: this.#indexes,
      files: this.#sender,
      accessLog: this.#accessLog,
      log: this.#log,
      httpsPort: () => this.#addresses?.https.port ?? 443,
      proxyStalledMs: this.#limits.proxyStalledMs,
    });
  }
}
