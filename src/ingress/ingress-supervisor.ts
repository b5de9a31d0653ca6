import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Backoff, backoffDelay } from "../shared/backoff.ts";
import { SITE_VERSION } from "../site-server/index.ts";
import type { Clock } from "../shared/clock.ts";
import { entryFile } from "../shared/entry-file.ts";
import type { Logger } from "../shared/log.ts";
import { connectToLiving } from "./connect-to-living.ts";
import type { DrainTimes, IngressAddresses, IngressStatus, SpawnRequest } from "./control-protocol.ts";
import { IngressClient, NoAnswer } from "./ingress-client.ts";
import { ingressFolders, type IngressLimits } from "./ingress-config.ts";
import { isAddress, type ListenAddress } from "./listen-address.ts";
import { refusedListener } from "./listen-error.ts";
import { LivePublisher } from "./live-publisher.ts";
import { SerialQueue } from "../shared/serial-queue.ts";
import { spawnIngress } from "./spawn-ingress.ts";
import { STOP, stopClient } from "./stop-ingress.ts";

export interface IngressSupervisorOptions {
  http: ListenAddress;
  https: ListenAddress;
  /** How many processes; one per core. */
  workers: number;
  dataFolder: string;
  /** Of the program that runs: processes of another build are replaced. */
  buildId: string;
  clock: Clock;
  log: Logger;
  /** Says what a person should see: that a process died, was replaced or cannot be started. */
  announce?: (message: string) => void;
  limits?: Partial<IngressLimits>;
  /** How a process is run. Default: this Node with its flags, and the ingress's entry file. */
  program?: Pick<SpawnRequest, "execPath" | "execArgv" | "script">;
  /** When processes are replaced. Default: as long as a kept-alive connection may be idle, and ten minutes for what is on the way. */
  drain?: DrainTimes;
  /** Milliseconds within which a process must acknowledge a snapshot; one that does not is replaced. Default 5,000. */
  ackMs?: number;
}

const RESTART: Backoff = { first: 100, most: 10_000 };
/** A process that lived for so long did not fail at its start. */
const LIVED_MS = 5_000;
const SPAWN_MS = 15_000;

interface Slot {
  client: IngressClient | undefined;
  /** Deaths in a row, each soon after the start. */
  failures: number;
}

/**
 * Keeps the ingress processes alive. They are not its children in spirit: they outlive it, and when it starts it adopts those that
 * live. Listening sockets are bound once, and handed from process to process from then on.
 */
export class IngressSupervisor {
  readonly publisher: LivePublisher;
  readonly #options: IngressSupervisorOptions;
  readonly #log: Logger;
  readonly #run: string;
  readonly #slots: Slot[];
  /** Those that were replaced, until they end. */
  readonly #leaving = new Set<IngressClient>();
  readonly #changes = new SerialQueue();
  readonly #ending = new AbortController();
  #addresses: IngressAddresses;
  #hasAdopted = false;

  private constructor(options: IngressSupervisorOptions) {
    this.#options = { ...options, dataFolder: resolve(options.dataFolder) };
    this.#log = options.log.child({ part: "ingress" });
    const folders = ingressFolders(this.#options.dataFolder);
    for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#run = folders.run;
    this.#slots = Array.from({ length: options.workers }, () => ({ client: undefined, failures: 0 }));
    this.#addresses = { http: options.http, https: options.https };
    this.publisher = new LivePublisher({
      folder: folders.ingress,
      clock: options.clock,
      log: this.#log,
      ...(options.ackMs === undefined ? {} : { ackMs: options.ackMs }),
      onStuck: (client, cause) => this.#endStuck(client, cause),
    });
  }

  /**
   * Adopts the processes that live, starts those that are missing, and replaces those of another build or on other addresses.
   * Rejects with PORT_TAKEN, PORT_FORBIDDEN or USAGE if an address cannot be listened on.
   */
  static async start(options: IngressSupervisorOptions): Promise<IngressSupervisor> {
    const supervisor = new IngressSupervisor(options);
    try {
      await supervisor.#changes.run(() => supervisor.#begin());
      return supervisor;
    } catch (error) {
      await supervisor.#endNew();
      supervisor.close();
      throw refusedListener(error, supervisor.#addresses);
    }
  }

  /** Where it listens. */
  get addresses(): IngressAddresses {
    return this.#addresses;
  }

  /** Whether some process served before this start. */
  get hasAdopted(): boolean {
    return this.#hasAdopted;
  }

  /** How each process goes, the draining ones too. One that does not answer is left out. */
  async processes(): Promise<IngressStatus[]> {
    const clients = [...this.#slots.flatMap(({ client }) => client ?? []), ...this.#leaving];
    const statuses = await Promise.allSettled(clients.map((client) => client.call("status", {}, 1_000)));
    return statuses.flatMap((status) => (status.status === "fulfilled" ? [status.value] : []));
  }

  /**
   * Replaces every process without dropping a connection: resolves when the new ones accept and the old ones have stopped to. The old
   * ones answer what is on the way, and end; `drained` tells when.
   */
  replace(): Promise<void> {
    return this.#changes.run(async () => {
      const old = this.#slots.map(({ client }) => client);
      await Promise.all(this.#slots.map((_slot, number) => this.#startSlot(number)));
      await this.#drainAll(old.filter((client) => client !== undefined));
      this.#options.announce?.("the ingress was replaced");
    });
  }

  /** Resolves when every process that was replaced has ended. */
  async drained(): Promise<void> {
    await Promise.all([...this.#leaving].map((client) => client.closed));
  }

  /** Stops all processes: what is on the way is answered, for at most five seconds. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#changes.run(async () => {
      const clients = [...this.#slots.flatMap(({ client }) => client ?? []), ...this.#leaving];
      await Promise.all(clients.map((client) => stopClient(client, this.#options.clock, this.#log)));
    });
  }

  /** Lets go of the processes, which go on. For the end of control. */
  close(): void {
    this.#ending.abort();
    for (const client of [...this.#slots.flatMap(({ client: one }) => one ?? []), ...this.#leaving]) client.close();
  }

  async #begin(): Promise<void> {
    const outdated: IngressClient[] = [];
    for (const client of await connectToLiving(this.#run, this.#log)) {
      try {
        await this.#takeOver(client, outdated);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        this.#endStuck(client, error); // or it has just ended
      }
    }
    const missing = this.#slots.flatMap(({ client }, number) => (client === undefined ? [number] : []));
    // The first may have to bind; the others inherit from it.
    const [first, ...others] = this.#slots.some(({ client }) => client) ? [undefined, ...missing] : missing;
    if (first !== undefined) await this.#startSlot(first, outdated);
    await Promise.all(others.flatMap((number) => (number === undefined ? [] : [this.#startSlot(number)])));
    await this.#drainAll(outdated);
  }

  async #takeOver(client: IngressClient, outdated: IngressClient[]): Promise<void> {
    if (client.status.state === "waiting") {
      await client.drain(STOP); // whoever started it died before it served
      client.close();
      return;
    }
    if (client.status.siteVersion !== SITE_VERSION) {
      this.#hasAdopted = true;
      // It cannot read what will be published, and serves what it has until it is replaced.
      if (client.status.state === "draining") this.#watchLeaving(client);
      else outdated.push(client);
      return;
    }
    await this.publisher.join(client);
    this.#hasAdopted = true;
    if (client.status.state === "draining") this.#watchLeaving(client);
    else if (this.#isCurrent(client)) this.#adopt(client);
    else outdated.push(client);
  }

  #isCurrent({ status }: IngressClient): boolean {
    const { addresses, slot, buildId } = status;
    if (addresses === null || buildId !== this.#options.buildId || this.#slots[slot]?.client !== undefined)
      return false;
    const fits = isAddress(addresses.http, this.#addresses.http) && isAddress(addresses.https, this.#addresses.https);
    return fits && slot < this.#slots.length;
  }

  #adopt(client: IngressClient): void {
    this.#log.info({ pid: client.status.pid, id: client.status.id }, "adopted an ingress process");
    this.#addresses = client.status.addresses ?? this.#addresses;
    this.#occupy(client.status.slot, client);
  }

  /** Starts a process and puts it into a slot, in place of whatever is there. */
  async #startSlot(number: number, outdated: readonly IngressClient[] = []): Promise<void> {
    const id = `${number}-${randomBytes(4).toString("hex")}`;
    const request: Omit<SpawnRequest, "inherit"> = {
      ...(this.#options.program ?? {
        execPath: process.execPath,
        execArgv: process.execArgv,
        script: entryFile("ingress"),
      }),
      config: {
        id,
        slot: number,
        buildId: this.#options.buildId,
        dataFolder: this.#options.dataFolder,
        http: { address: this.#addresses.http, fd: null },
        https: { address: this.#addresses.https, fd: null },
        accept: "when told",
        readyFd: null,
        limits: this.#options.limits ?? {},
      },
    };
    await this.#spawn(request, outdated);
    const client = await IngressClient.connect(join(this.#run, `ingress-${id}.sock`));
    try {
      this.#addresses = await this.publisher.join(client);
    } catch (error) {
      await client.drain(STOP);
      client.close();
      throw error;
    }
    this.#log.info({ pid: client.status.pid, id }, "an ingress process serves");
    this.#occupy(number, client);
  }

  /** By a process that has the sockets, or, only if there is none that can, by ourselves: then it binds. */
  async #spawn(request: Omit<SpawnRequest, "inherit">, outdated: readonly IngressClient[]): Promise<void> {
    for (const parent of [...this.#slots.flatMap(({ client }) => client ?? []), ...outdated]) {
      const has = parent.status.addresses ?? this.#addresses;
      const inherit = {
        http: isAddress(has.http, this.#addresses.http),
        https: isAddress(has.https, this.#addresses.https),
      };
      try {
        await parent.call("spawn", { ...request, inherit }, SPAWN_MS);
        return;
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        this.#log.warn({ err: error, id: parent.status.id }, "an ingress process cannot start another");
      }
    }
    await spawnIngress({ ...request, inherit: { http: false, https: false } }, { http: null, https: null });
  }

  #occupy(number: number, client: IngressClient): void {
    const slot = this.#slots[number];
    if (slot === undefined) throw new Error(`there is no slot ${number}`);
    slot.client = client;
    void client.closed.then(() => this.#onEnd(slot, number, client));
  }

  /** A process ended. Unless it was to, another takes its place, at once the first time, then with growing delays. */
  async #onEnd(slot: Slot, number: number, client: IngressClient): Promise<void> {
    if (slot.client !== client || this.#ending.signal.aborted) return;
    slot.client = undefined;
    const lived = this.#options.clock.now() - client.status.startedAt;
    slot.failures = lived > LIVED_MS ? 1 : slot.failures + 1;
    this.#log.warn({ pid: client.status.pid, id: client.status.id }, "an ingress process ended; starting another");
    this.#options.announce?.(`${client.name} ended; starting another`);
    while (!this.#ending.signal.aborted) {
      try {
        if (slot.failures > 1) await this.#wait(backoffDelay(RESTART, slot.failures - 1));
        await this.#changes.run(async () => {
          if (slot.client === undefined && !this.#ending.signal.aborted) await this.#startSlot(number);
        });
        return;
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        slot.failures++;
        this.#options.announce?.("an ingress process cannot be started; trying again");
        this.#log.error(
          { err: refusedListener(error, this.#addresses), slot: number },
          "an ingress process cannot be started",
        );
      }
    }
  }

  #wait(ms: number): Promise<void> {
    return this.#options.clock.sleep(ms, { signal: this.#ending.signal, unref: true });
  }

  async #drainAll(clients: readonly IngressClient[]): Promise<void> {
    const keepAliveMs = this.#options.limits?.keepAliveMs ?? 30_000;
    const times = this.#options.drain ?? { idleMs: keepAliveMs + 5_000, mostMs: 600_000 };
    await Promise.all(
      clients.map(async (client) => {
        this.#watchLeaving(client);
        try {
          await client.drain(times);
        } catch (error) {
          this.#endStuck(client, error instanceof Error ? error : new Error(String(error)));
        }
      }),
    );
  }

  #watchLeaving(client: IngressClient): void {
    this.#leaving.add(client);
    void client.closed.then(() => this.#leaving.delete(client));
  }

  /** What start made before it failed. */
  async #endNew(): Promise<void> {
    const mine = this.#slots.flatMap(({ client }) => (client?.status.state === "waiting" ? [client] : []));
    this.#ending.abort();
    await Promise.all(mine.map((client) => stopClient(client, this.#options.clock, this.#log)));
  }

  #endStuck(client: IngressClient, cause: Error): void {
    if (!client.isOpen) return;
    this.#log.error({ err: cause, pid: client.status.pid }, "an ingress process does not answer; ending it");
    client.kill();
  }
}
