import type { ServerResponse } from "node:http";
import type { JobSpec, ServiceSpec } from "../../src/nomad-api/index.ts";
import { type FakeJob, FakeNomad } from "./fake-nomad.ts";
import type { Answerer, Seen } from "./fake-server.ts";
import type { RawInstance } from "./raw-nomad.ts";

/** What becomes of a request: it is answered, or is lost before it is heard, or its answer is; or Nomad's token may not do that, or not know of what it is about. */
export type Fate = "answered" | "unheard" | "answer lost" | "denied" | "hidden";

/** Where an instance listens. */
interface Place {
  address: string;
  port: number;
}

/** A service that no job has: another's, or what stands in for an instance. */
interface ForeignService {
  id: string;
  name: string;
  address: string;
  port: number;
  tags: string[];
  meta: Record<string, string>;
}

/** What the bodies of requests have, as far as they are read. */
interface Said {
  Job?: JobSpec;
  EnforceIndex?: boolean;
  JobModifyIndex?: number;
  JobVersion?: number;
  EnforcePriorVersion?: number;
  Stable?: boolean;
}

/** Nomad, its Consul and a Fabio, as small as the engine needs them, to be asked over HTTP. All that changes changes at once; instances become healthy when the test says so. */
export class FakeCluster {
  readonly nomad = new FakeNomad();
  /** Services of others, by their ids. */
  readonly services = new Map<string, ForeignService>();
  /** Where instances listen, if they do, by their ids. */
  readonly places = new Map<string, Place>();
  /** Instances that Consul has not heard of yet. */
  readonly hidden = new Set<string>();
  /** Services that it has not heard of yet, of any instance. */
  readonly hiddenServices = new Set<string>();
  /** Whether Fabio's routes stay as they are, since a tag somewhere is one that it does not understand. */
  isFrozen = false;
  /** Whether Fabio looks only when the agent's services change, since Consul tells it of nothing else, as 1.10 does of tags. */
  isUntold = false;
  readonly #streams = new Set<ServerResponse>();
  readonly #blocked = new Set<ServerResponse>();
  #told = 0;
  #frozen: object[] = [];
  /** All that changed anything: `POST /v1/jobs`. */
  readonly changes: string[] = [];
  /** Told of each request before it is answered: `POST /v1/jobs`. */
  onRequest: (request: string) => Fate = () => "answered";
  /** What Nomad makes of a jobspec in HCL. */
  parsed: JobSpec | undefined;
  readonly answerNomad: Answerer = this.#answerer((seen) => this.#ofNomad(seen));
  readonly answerConsul: Answerer = this.#answerer((seen) => this.#ofConsul(seen));
  readonly answerFabio: Answerer = this.#answerer(() => this.#routes());

  constructor() {
    this.nomad.onChange = () => queueMicrotask(() => this.#tell());
  }

  /** How many at most followed the events, and waited for what is critical, at the same time. */
  readonly mostFollowers = { events: 0, checks: 0 };

  /** Whether somebody follows both. */
  get isFollowed(): boolean {
    return this.#streams.size > 0 && this.#blocked.size > 0;
  }

  #answerer(answer: (seen: Seen) => unknown): Answerer {
    return (seen, response) => {
      const path = seen.target.replace(/\?.*$/, "");
      const fate = this.onRequest(`${seen.method} ${path}`);
      if (fate === "unheard") {
        response.destroy();
        return;
      }
      if (fate === "denied") {
        response.writeHead(403).end("Permission denied");
        return;
      }
      if (fate === "hidden") {
        response.writeHead(500).end(`Unknown allocation "${path.split("/").at(-1)}"`);
        return;
      }
      if (seen.method !== "GET") this.changes.push(`${seen.method} ${path}`);
      if (this.#follow(path, seen.target, response)) return;
      send(response, () => answer(seen), fate);
    };
  }

  /** What is not answered at once: the stream of events, and what waits for something else to be critical. */
  #follow(path: string, target: string, response: ServerResponse): boolean {
    if (path === "/v1/event/stream") {
      response.write("{}\n");
      this.#streams.add(response);
      this.mostFollowers.events = Math.max(this.mostFollowers.events, this.#streams.size);
      return true;
    }
    response.setHeader("x-consul-index", this.nomad.index);
    if (path !== "/v1/health/state/critical" || !target.includes(`index=${this.nomad.index}&`)) return false;
    this.#blocked.add(response);
    this.mostFollowers.checks = Math.max(this.mostFollowers.checks, this.#blocked.size);
    return true;
  }

  /** Tells those that follow of all that changed since they were told last. */
  #tell(): void {
    const { index } = this.nomad;
    if (index === this.#told) return;
    const events = [...this.nomad.jobs.values()].flatMap(eventsOf).filter(({ Index }) => Index > this.#told);
    this.#told = index;
    for (const stream of this.#streams) stream.write(`${JSON.stringify({ Index: index, Events: events })}\n`);
    for (const response of this.#blocked) {
      response.setHeader("x-consul-index", index);
      send(response, () => this.#critical(), "answered");
    }
    this.#blocked.clear();
  }

  #critical() {
    return this.#registered().flatMap(({ Checks }) => Checks.filter(({ Status }) => Status === "critical"));
  }

  #ofNomad({ method, target, body }: Seen): unknown {
    const { nomad } = this;
    const { pathname, searchParams } = new URL(target, "http://nomad");
    const [, first = "", id = "", ...rest] = pathname.slice(1).split("/").map(decodeURIComponent);
    const said = (method === "GET" || body.length === 0 ? {} : JSON.parse(body.toString("utf8"))) as Record<
      string,
      never
    >;
    if (first === "nodes") return [node("dc1"), node("dc2"), node("dc1")];
    if (first === "jobs" && id === "parse") return this.parsed;
    if (first === "jobs") {
      const { Job: spec, EnforceIndex, JobModifyIndex } = said as Said;
      if (spec === undefined) throw new Error("Job must be specified");
      const { ConsulToken: _, ...kept } = spec; // as the servers do
      const job = nomad.register(kept, { ifIndex: EnforceIndex === true ? JobModifyIndex : undefined });
      return { EvalID: "evaluation", EvalCreateIndex: job.JobModifyIndex, JobModifyIndex: job.JobModifyIndex };
    }
    if (first === "deployment") {
      const deployment = rest[0] ?? "";
      if (id === "promote") nomad.promote(deployment);
      else nomad.fail(deployment);
      return { EvalID: "evaluation", DeploymentModifyIndex: nomad.index };
    }
    if (first === "client") return "it says why\n";
    if (first === "allocation") return this.#instance(id) ?? notFound();
    if (first !== "job") throw new NotFound(`no endpoint ${pathname}`);
    if (method === "DELETE") {
      nomad.stop(id, searchParams.get("purge") === "true");
      return { EvalID: "evaluation", JobModifyIndex: nomad.index };
    }
    return this.#ofJob(id, rest[0], said);
  }

  #instance(id: string): RawInstance | undefined {
    return [...this.nomad.jobs.values()].flatMap(({ instances }) => instances).find(({ ID }) => ID === id);
  }

  #ofJob(id: string, what: string | undefined, said: Said): unknown {
    const { nomad } = this;
    const job = nomad.jobs.get(id);
    switch (what) {
      case undefined:
        return nomad.current(id) ?? notFound();
      case "versions":
        return (job?.versions.length ?? 0) === 0 ? notFound() : { Versions: job?.versions.toReversed().slice(0, 6) };
      case "deployments":
        return job?.deployments ?? [];
      case "allocations":
        return (job?.instances ?? []).map(({ DeploymentID: _, Passing: __, Output: ___, ...listed }) => listed);
      case "evaluations":
        return job?.evaluations ?? [];
      case "revert": {
        const { JobVersion = 0, EnforcePriorVersion } = said;
        return {
          EvalID: "evaluation",
          JobModifyIndex: nomad.revert(id, JobVersion, EnforcePriorVersion).JobModifyIndex,
        };
      }
      case "stable": {
        const version = job?.versions.find(({ Version }) => Version === said.JobVersion);
        if (version !== undefined) version.Stable = said.Stable ?? false;
        return { JobModifyIndex: nomad.current(id)?.JobModifyIndex };
      }
      case "plan":
        return { Diff: { Type: "Edited", ID: id }, JobModifyIndex: nomad.current(id)?.JobModifyIndex ?? 0 };
      default:
        throw new NotFound(`no endpoint ${what}`);
    }
  }

  #ofConsul({ target, body }: Seen): unknown {
    const [, first, what, name = "", id = ""] = new URL(target, "http://consul").pathname.slice(1).split("/");
    if (first === "agent") return this.#ofAgent(what === "services" ? what : name, decodeURIComponent(id), body);
    if (first === "catalog") {
      const all = this.#registered().map(({ Service: { Service, Tags } }) => [Service, Tags] as const);
      return Object.fromEntries(
        all.map(([service]) => [service, all.filter(([one]) => one === service).flatMap(([, tags]) => tags)]),
      );
    }
    if (what === "state") return this.#critical();
    const registered = this.#registered().filter(({ Service }) => Service.Service === name);
    return what === "checks" ? registered.flatMap(({ Checks }) => Checks) : registered;
  }

  #ofAgent(what: string, id: string, body: Buffer): unknown {
    if (what === "services")
      return Object.fromEntries([...this.services.values()].map((one) => [one.id, serviceOf(one)]));
    if (what === "deregister") {
      this.services.delete(id);
      this.#tellFabio();
      return {};
    }
    const said = JSON.parse(body.toString("utf8")) as {
      ID: string;
      Name: string;
      Address: string;
      Port: number;
      Tags: string[];
      Meta: Record<string, string>;
    };
    const { ID, Name, Address: address, Port: port, Tags: tags, Meta: meta } = said;
    this.services.set(ID, { id: ID, name: Name, address, port, tags, meta });
    this.#tellFabio();
    return {};
  }

  /** Every service of Consul, with its one check. */
  #registered() {
    const jobs = [...this.nomad.jobs.keys()].flatMap((id) =>
      this.nomad.running(id).flatMap((one) => (this.hidden.has(one.ID) ? [] : this.#servicesOf(id, one))),
    );
    const known = jobs.filter(({ Service: { Service } }) => !this.hiddenServices.has(Service));
    return [...known, ...[...this.services.values()].map((one) => entry(one, { isPassing: true }))];
  }

  #servicesOf(id: string, instance: RawInstance) {
    const version = this.nomad.jobs.get(id)?.versions.find(({ Version }) => Version === instance.JobVersion);
    const group = version?.TaskGroups?.find(({ Name }) => Name === instance.TaskGroup);
    return (group?.Services ?? []).map((service: ServiceSpec) => {
      const tags = (instance.DeploymentStatus.Canary ? service.CanaryTags : service.Tags) ?? [];
      const name = service.Name ?? id;
      const place = this.places.get(instance.ID) ?? nowhere(instance);
      const registered = { id: `_nomad-task-${instance.ID}-group-${name}-http`, name, ...place };
      const { Passing: isPassing, Output: output } = instance;
      return entry({ ...registered, tags: [...tags], meta: {} }, { isPassing, output });
    });
  }

  #routes(): object[] {
    if (!this.isUntold) this.#tellFabio();
    return this.#frozen;
  }

  #tellFabio(): void {
    if (!this.isFrozen) this.#frozen = this.#routesNow();
  }

  #routesNow(): object[] {
    const passing = this.#registered().filter(({ Checks }) => Checks.every(({ Status }) => Status === "passing"));
    return passing.flatMap(({ Service: { Service, Tags, Address, Port } }) =>
      Tags.filter((tag) => tag.startsWith("urlprefix-")).map((tag) => {
        const [, host, path] = /^urlprefix-([^/]*)(\S*)/.exec(tag) ?? [];
        return { service: Service, host, path, dst: `http://${Address}:${Port}/`, weight: 1 };
      }),
    );
  }
}

/** Where nobody listens. */
function nowhere({ ID }: RawInstance): Place {
  return { address: `127.88.0.${Number(ID.slice(-4)) % 256}`, port: 1 };
}

/** As the stream has them: an instance without its version; of a job that was forgotten nothing. */
function eventsOf({ versions, deployments, instances, evaluations }: FakeJob) {
  const event = (Topic: string, thing: { ID: string; ModifyIndex: number }, payload: object) => {
    const common = { Type: "Updated", Key: thing.ID, Namespace: "default", Index: thing.ModifyIndex };
    return { Topic, ...common, Payload: { [Topic]: payload } };
  };
  return [
    ...versions.slice(-1).map((one) => event("Job", one, one)),
    ...deployments.map((one) => event("Deployment", one, one)),
    ...instances.map((one) => {
      const { JobVersion: _, Passing: __, Output: ___, ...told } = one;
      return event("Allocation", one, told);
    }),
    ...evaluations.map((one) => event("Evaluation", one, one)),
  ];
}

class NotFound extends Error {}

function notFound(): never {
  throw new NotFound("job not found");
}

function send(response: ServerResponse, answer: () => unknown, fate: Fate): void {
  let [status, text] = [200, ""];
  try {
    const value = answer();
    text = typeof value === "string" ? value : JSON.stringify(value);
  } catch (error) {
    [status, text] = [error instanceof NotFound ? 404 : 500, (error as Error).message];
  }
  if (fate === "answer lost") response.destroy();
  else response.writeHead(status).end(text);
}

function node(datacenter: string): object {
  const state = { Status: "ready", SchedulingEligibility: "eligible", Drain: false };
  return {
    ID: `node-${datacenter}`,
    Name: "node",
    Datacenter: datacenter,
    ...state,
    Drivers: {},
    CreateIndex: 1,
    ModifyIndex: 1,
  };
}

function serviceOf({ id, name, address, port, tags, meta }: ForeignService) {
  const indexes = { CreateIndex: 1, ModifyIndex: 1 };
  return { ID: id, Service: name, Address: address, Port: port, Tags: tags, Meta: meta, ...indexes };
}

function entry(
  service: ForeignService,
  { isPassing, output = "" }: { isPassing: boolean; output?: string | undefined },
) {
  const Status = isPassing ? "passing" : "critical";
  const check = { CheckID: `check-${service.id}`, Name: "answers", Node: "node", Status, Output: output };
  return {
    Node: { Node: "node", Address: "127.0.0.1" },
    Service: serviceOf(service),
    Checks: [{ ...check, ServiceID: service.id, ServiceName: service.name }],
  };
}
