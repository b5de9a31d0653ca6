import type { ServerResponse } from "node:http";
import { pid } from "node:process";
import { type FakeServer, fakeServer, type Seen } from "../fake-server.ts";
import { httpGet } from "../http-get.ts";
import type { Cluster, ControlVerb, Service, Site, Versions, Visit } from "./cluster.ts";
import {
  type Asked,
  type ClusterRecording,
  type EventLine,
  INSTANCES_ADDRESS,
  type RecordedAnswer,
} from "./cluster-recording.ts";
import { askedTarget } from "./asked-target.ts";
import { askedIndex, askedWait, indexField, isEventStream, stateKey } from "./state-key.ts";
import { InstanceServers } from "./instance-servers.ts";
import { isMutation } from "./mutation.ts";
import { type AskedRequest, describe, RecordedExchanges } from "./recorded-exchanges.ts";
import { RecordedStates } from "./recorded-states.ts";
import { RecordedTime } from "./recorded-time.ts";
import { settleTimes } from "./settle-times.ts";
import { siteKey } from "./site-key.ts";

type Served = Exclude<Asked, "instance">;

/** Nomad sends this, be there anything or not, every so often. Milliseconds. */
const HEARTBEAT_MS = 30_000;

/**
 * A cluster of which a story is told again. States are answered as they were at the story's time; changes are waited for, and must be those of the story; anything else
 * fails the test when its scope ends.
 */
export class RecordedCluster implements Cluster {
  readonly kind = "recorded";
  readonly controllable = true;
  readonly versions: Versions;
  readonly registry: string;
  readonly clock: RecordedTime;
  readonly addresses: Readonly<Record<Service, string>>;
  readonly #recording: ClusterRecording;
  readonly #servers: Record<Served, FakeServer>;
  readonly #instances: InstanceServers;
  readonly #states: RecordedStates;
  readonly #exchanges: RecordedExchanges;
  readonly #problems: string[] = [];

  private constructor(recording: ClusterRecording, servers: Record<Served, FakeServer>) {
    this.versions = recording.versions;
    this.registry = recording.registry;
    this.#recording = recording;
    this.#servers = servers;
    const { nomad, consul, fabio } = servers;
    this.addresses = { nomad: `http://${nomad.host}`, consul: `http://${consul.host}`, fabio: `http://${fabio.host}` };
    this.#states = new RecordedStates(recording);
    this.#exchanges = new RecordedExchanges(recording);
    const deeds = [...this.#exchanges.changes, ...recording.acts].toSorted((a, b) => a.from - b.from);
    this.clock = new RecordedTime(recording.startedAt, deeds);
    this.#instances = new InstanceServers(ownAddress(), (port, seen, response) => {
      this.clock.touch();
      this.#question(this.#request("instance", seen, port), response);
    });
  }

  static async tell(recorded: ClusterRecording): Promise<RecordedCluster> {
    const recording = settleTimes(recorded);
    const opened: { cluster?: RecordedCluster } = {};
    const serve = (asked: Served): Promise<FakeServer> =>
      fakeServer((seen, response) => {
        const { cluster } = opened;
        if (cluster !== undefined) cluster.#serve(asked, seen, response);
      });
    const [nomad, consul, fabio, visitor] = [serve("nomad"), serve("consul"), serve("fabio"), serve("visitor")];
    const servers = { nomad: await nomad, consul: await consul, fabio: await fabio, visitor: await visitor };
    const cluster = new RecordedCluster(recording, servers);
    await cluster.#instances.open(cluster.#exchanges.instancePorts());
    return (opened.cluster = cluster);
  }

  publish(site: Site): Promise<string> {
    const digest = this.#recording.images[siteKey(site)];
    if (digest === undefined) return Promise.reject(new Error(`the story has no image of ${siteKey(site)}`));
    return Promise.resolve(digest);
  }

  async visit(host: string, path: string): Promise<Visit> {
    const { status, text } = await httpGet(`http://${this.#servers.visitor.host}`, { host, path, headers: { host } });
    return { status, body: text };
  }

  async control(verb: ControlVerb, service: Service): Promise<void> {
    const what = `${verb} ${service}`;
    const act = this.#recording.acts.find((one) => one.what === what && this.clock.undone.includes(one));
    if (act === undefined) throw new Error(`the story has no more ${what}`);
    await this.clock.do(act);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const undone = this.#exchanges.changes.filter((change) => this.clock.undone.includes(change));
    this.clock.end();
    await Promise.all([...Object.values(this.#servers), this.#instances].map((one) => one[Symbol.asyncDispose]()));
    const missing = undone.map(
      (change) => `it did not come: ${describe({ ...change, body: this.#text(change.body) })}`,
    );
    const problems = [...this.#problems, ...missing];
    if (problems.length > 0) throw new Error(`the recorded cluster expected something else:\n${problems.join("\n")}`);
  }

  #serve(asked: Served, seen: Seen, response: ServerResponse): void {
    this.clock.touch();
    response.on("close", () => this.clock.touch());
    if (this.#isAway(asked)) response.destroy();
    else if (isMutation(seen)) void this.#change(this.#request(asked, seen), response);
    else if (isEventStream(asked, seen.target)) this.#stream(seen.target, response);
    else if (this.#states.has(asked, stateKey(seen.target)) && seen.method === "GET")
      void this.#state(asked, seen.target, response);
    else this.#question(this.#request(asked, seen), response);
  }

  async #change(request: AskedRequest, response: ServerResponse): Promise<void> {
    const found = this.#exchanges.takeChange(request);
    if (typeof found === "string") {
      this.#refuse(found, response);
      return;
    }
    await this.clock.do(found);
    this.#send(response, found);
  }

  #question(request: AskedRequest, response: ServerResponse): void {
    const found = this.#exchanges.answer(request, this.clock.at, this.clock.limit);
    if (found === undefined) {
      this.#refuse(`nobody asked that: ${describe(request)}`, response);
      return;
    }
    if (found.from >= this.clock.at) this.clock.goTo(found.to);
    if (found.status === 0) response.destroy();
    else this.#send(response, found);
  }

  async #state(asked: Asked, target: string, response: ServerResponse): Promise<void> {
    const key = stateKey(target);
    const index = askedIndex(target);
    let state = this.#states.at(asked, key, this.clock.at);
    const begun = this.clock.at;
    if (index > 0n && BigInt(state.index ?? "0") === index) {
      await this.#wait(response, askedWait(target), () => this.#states.nextAfter(asked, key, begun, state.index)?.at);
      if (response.destroyed) return;
      state = this.#states.at(asked, key, this.clock.at);
    }
    const field = indexField(asked);
    if (field !== undefined && state.index !== undefined) response.setHeader(field, state.index);
    this.#send(response, state);
  }

  /** Until something comes, the time is over, the service is away or nobody waits any more. */
  async #wait(response: ServerResponse, ms: number, nextAt: () => number | undefined): Promise<void> {
    const over = new AbortController();
    const listener = { nextAt, wake: () => over.abort() };
    response.on("close", () => over.abort());
    this.clock.listen(listener);
    await this.clock.sleep(ms, { signal: over.signal }).catch(() => {}); // it ends in one of these ways
    this.clock.unlisten(listener);
  }

  #stream(target: string, response: ServerResponse): void {
    const key = stateKey(target);
    const from = askedIndex(target);
    const lines = this.#recording.lines.filter((line) => line.key === key && BigInt(line.index) >= from);
    response.writeHead(200, { "content-type": "application/json" });
    response.write("{}\n");
    const told = { count: 0 };
    const next = (): EventLine | undefined => lines[told.count];
    const tell = (): void => {
      for (let line = next(); line !== undefined && line.at <= this.clock.at; line = next()) {
        told.count++;
        response.write(`${this.#text(line.text)}\n`);
      }
    };
    tell();
    const listener = { nextAt: () => next()?.at, wake: tell };
    this.clock.listen(listener);
    const over = new AbortController();
    response.on("close", () => {
      this.clock.unlisten(listener);
      over.abort();
    });
    void this.#beat(response, over.signal);
    this.#cutOff(response);
  }

  async #beat(response: ServerResponse, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.clock.sleep(HEARTBEAT_MS, { signal }).catch(() => {}); // it was closed
      if (!signal.aborted) response.write("{}\n");
    }
  }

  /** When Nomad goes away, so do the streams that it was sending. */
  #cutOff(response: ServerResponse): void {
    const begun = this.clock.at;
    const outage = this.#recording.outages.find(({ service, from }) => service === "nomad" && from > begun);
    if (outage === undefined) return;
    const listener = { nextAt: () => outage.from, wake: () => response.destroy() };
    this.clock.listen(listener);
    response.on("close", () => this.clock.unlisten(listener));
  }

  #isAway(asked: Asked): boolean {
    return this.#recording.outages.some(
      ({ service, from, to }) => service === asked && from <= this.clock.at && this.clock.at < to,
    );
  }

  #send(response: ServerResponse, { status, type, text }: RecordedAnswer): void {
    if (response.destroyed) return;
    if (type !== "") response.setHeader("content-type", type);
    response.writeHead(status).end(this.#text(text));
    this.clock.touch();
  }

  #refuse(problem: string, response: ServerResponse): void {
    this.#problems.push(problem);
    response.writeHead(501, { "content-type": "text/plain" }).end(problem);
  }

  #request(asked: Asked, seen: Seen, port?: number): AskedRequest {
    const { method } = seen;
    const body = method === "GET" ? "" : seen.body.toString("utf8");
    const known = body.replaceAll(this.#instances.address, INSTANCES_ADDRESS);
    return { asked, method, target: askedTarget(asked, seen, port), body: known };
  }

  #text(number: number): string {
    const text = this.#recording.texts[number] ?? "";
    return this.#exchanges.renamed(text).replaceAll(INSTANCES_ADDRESS, this.#instances.address);
  }
}

/** One that no other process has: recordings may be told in several at a time, and name the same ports. */
function ownAddress(): string {
  return `127.${64 + ((pid >> 16) & 63)}.${(pid >> 8) & 255}.${pid & 255}`;
}
