import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { parseJson } from "../../../src/shared/json/parse-json.ts";
import { type FakeServer, fakeServer, type Seen } from "../fake-server.ts";
import type { Service } from "./cluster.ts";
import { type Asked, type ClusterRecording, INSTANCES_ADDRESS } from "./cluster-recording.ts";
import { EventRecorder } from "./event-recorder.ts";
import { forward } from "./forward.ts";
import { InstanceServers, portsOf } from "./instance-servers.ts";
import { LineReader } from "./line-reader.ts";
import { OutageLog } from "./outage-log.ts";
import { RecordingDraft } from "./recording-draft.ts";
import { askedTarget } from "./asked-target.ts";
import { indexField, isEventStream, isLookedAt, isState, stateKey } from "./state-key.ts";
import { type SampledAnswer, StateSampler } from "./state-sampler.ts";

type Served = Exclude<Asked, "instance">;
export type Upstreams = Readonly<Record<Served, string>>;

interface Question extends Pick<Seen, "method" | "target" | "body"> {
  asked: Asked;
  /** What is written down as its target. */
  told: string;
  from: number;
}

interface Head {
  status: number;
  headers: IncomingHttpHeaders;
}

/**
 * Stands between a test and a real cluster, and writes down what was said and when. What can be asked at any time is asked by the recorder as well, and waited on, from when it was
 * first asked: so it is known what would have been answered at other moments than those at which somebody asked. Instances seem to be at an address where it stands before
 * them as well.
 */
export class Recorder implements AsyncDisposable {
  readonly draft: RecordingDraft;
  readonly #upstreams: Upstreams;
  readonly #servers: Record<Served, FakeServer>;
  readonly #instances: InstanceServers;
  readonly #samplers = new Map<string, StateSampler>();
  readonly #streams = new Set<string>();
  readonly #lines = new Set<string>();
  readonly #outages: OutageLog;
  readonly #ended = new AbortController();

  private constructor(upstreams: Upstreams, servers: Record<Served, FakeServer>, draft: RecordingDraft) {
    this.draft = draft;
    this.#upstreams = upstreams;
    this.#servers = servers;
    this.#outages = new OutageLog(upstreams, draft, this.#ended.signal);
    this.#instances = new InstanceServers(INSTANCES_ADDRESS, (port, seen, response) =>
      this.#serve("instance", `http://127.0.0.1:${port}`, seen, response, port),
    );
  }

  /** @param facts what is known of the cluster before anything is asked */
  static async open(upstreams: Upstreams, facts: Pick<ClusterRecording, "versions" | "registry">): Promise<Recorder> {
    const opened: { recorder?: Recorder } = {};
    const serve = (asked: Served): Promise<FakeServer> =>
      fakeServer((seen, response) => {
        const { recorder } = opened;
        if (recorder !== undefined) recorder.#serve(asked, upstreams[asked], seen, response);
      });
    const [nomad, consul, fabio, visitor] = [serve("nomad"), serve("consul"), serve("fabio"), serve("visitor")];
    const servers = { nomad: await nomad, consul: await consul, fabio: await fabio, visitor: await visitor };
    return (opened.recorder = new Recorder(upstreams, servers, new RecordingDraft(facts)));
  }

  address(asked: Served): string {
    return `http://${this.#servers[asked].host}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await Promise.all([...Object.values(this.#servers), this.#instances].map((one) => one[Symbol.asyncDispose]()));
  }

  #serve(asked: Asked, upstream: string, seen: Seen, response: ServerResponse, port = 0): void {
    const isStream = isEventStream(asked, seen.target);
    const lines = new LineReader((text) => this.#line(stateKey(seen.target), text));
    if (isStream) this.#follow(stateKey(seen.target));
    const from = this.draft.now();
    const chunks: Buffer[] = [];
    let head: Head | undefined;
    const keep = (of: Head, text: string): void =>
      this.#keep(
        {
          asked,
          method: seen.method,
          target: seen.target,
          told: askedTarget(asked, seen, port),
          body: seen.body,
          from,
        },
        of,
        text,
      );
    forward(upstream, asked === "consul" ? withoutInstances(seen) : seen, response, {
      ...(asked === "consul" || asked === "fabio" ? { rewrite: (body) => this.#withInstances(body) } : {}),
      onHead: (status, headers) => (head = { status, headers }),
      onChunk: isStream ? (chunk) => lines.read(chunk) : (chunk) => chunks.push(chunk),
      onEnd: () => {
        if (head !== undefined && !isStream) keep(head, Buffer.concat(chunks).toString("utf8"));
      },
      onFailure: () => {
        if (asked === "instance") keep({ status: 0, headers: {} }, "");
        else if (head === undefined) this.#outages.begin(asked);
      },
    });
  }

  #keep(question: Question, { status, headers }: Head, text: string): void {
    const { asked, method, target, told, from } = question;
    const index = headers[indexField(asked) ?? ""];
    const type = headers["content-type"] ?? "";
    if (isState(asked, question) && (isLookedAt(asked, target) || typeof index === "string")) {
      const at = target.includes("index=") ? this.draft.now() : from;
      const key = stateKey(target);
      this.draft.state({ at, asked, key, index: typeof index === "string" ? index : undefined, status, type, text });
      this.#sample(asked, key);
      return;
    }
    const body = method === "GET" ? "" : question.body.toString("utf8");
    this.draft.exchange({ from, to: this.draft.now(), asked, method, target: told, body, status, type, text });
  }

  #sample(asked: Service, key: string): void {
    const id = `${asked} ${key}`;
    const known = this.#samplers.get(id);
    if (known !== undefined) {
      known.wanted();
      return;
    }
    const sampler = new StateSampler({
      upstream: this.#upstreams[asked],
      key,
      indexField: isLookedAt(asked, key) ? undefined : indexField(asked),
      signal: this.#ended.signal,
      onAnswer: (answer) => this.#sampled(asked, key, answer),
      onFailure: () => this.#outages.begin(asked),
    });
    this.#samplers.set(id, sampler);
    void sampler.run().finally(() => this.#samplers.delete(id));
  }

  #sampled(asked: Asked, key: string, answer: SampledAnswer): void {
    const text = asked === "nomad" ? answer.text : withInstances(answer.text);
    this.draft.state({ ...answer, at: answer.at - this.draft.startedAt, asked, key, text });
  }

  #follow(key: string): void {
    if (this.#streams.has(key)) return;
    this.#streams.add(key);
    const onLine = (text: string): void => this.#line(key, text);
    void new EventRecorder(this.#upstreams.nomad, key, this.#ended.signal, onLine).run();
  }

  /** Whoever is told first says when it was. */
  #line(key: string, text: string): void {
    if (this.#lines.has(text)) return;
    const { Index: index } = parseJson(text) as { Index?: bigint | number };
    if (index === undefined) return;
    this.#lines.add(text);
    this.draft.line({ at: this.draft.now(), key, index: String(index), text });
  }

  async #withInstances(body: string): Promise<string> {
    await this.#instances.open(portsOf(body));
    return withInstances(body);
  }
}

/** Whoever asks an instance is to come by. */
function withInstances(text: string): string {
  return text.replaceAll("127.0.0.1", INSTANCES_ADDRESS);
}

/** What somebody who was told so tells Consul of instances is to hold for visitors. */
function withoutInstances(seen: Seen): Seen {
  const body = Buffer.from(seen.body.toString("utf8").replaceAll(INSTANCES_ADDRESS, "127.0.0.1"));
  const { "content-length": length, ...headers } = seen.headers;
  return {
    ...seen,
    body,
    headers: length === undefined ? headers : { ...headers, "content-length": String(body.length) },
  };
}
