import { testDefinition } from "../../test/support/test-definition.ts";
import type { AppDefinition } from "../config/index.ts";
import type { App, Deployer, Deployment, DeploymentEvent } from "../deployer/index.ts";
import { SteppeError } from "../shared/errors.ts";

export const definition = testDefinition("blog");

export const deployment: Deployment = {
  id: 1,
  app: "blog",
  source: { kind: "ref", ref: "refs/tags/v1", commit: "c0ffee" },
  state: "queued",
  image: null,
  release: null,
  error: null,
  noGrace: false,
  byItself: true,
  approvedAt: null,
  hold: null,
  requestId: "r",
  createdAt: 1,
  finishedAt: null,
};

export function event(
  seq: number,
  name: DeploymentEvent["event"],
  more: Partial<DeploymentEvent> = {},
): DeploymentEvent {
  return { deployment: 1, app: "blog", seq, at: seq, event: name, message: `${name}!`, elapsedMs: seq * 10, ...more };
}

/** A deployer with one app, that writes down what it was asked. */
export class FakeDeployer implements Deployer {
  readonly calls: unknown[][] = [];
  readonly known = new Map<string, App>([
    ["blog", newApp(definition)],
    ["shop", newApp({ ...definition, name: "shop" })],
  ]);
  readonly report: Awaited<ReturnType<Deployer["refsChanged"]>> = { queued: [], notes: [] };
  stream: (id: number, signal: AbortSignal) => AsyncIterable<DeploymentEvent> = async function* none() {};
  failure: Error | undefined;
  buildLogFile: string | null = null;
  state: Deployment["state"] = "queued";
  hold: Deployment["hold"] = null;

  apps = (): App[] => [...this.known.values()];
  app = (name: string): App => {
    const app = this.known.get(name);
    if (app !== undefined) return app;
    throw new SteppeError("APP_NOT_FOUND", { operation: "find", subject: name, cause: "there is no such app" });
  };
  addApp: Deployer["addApp"] = async (added, { paused } = {}) => {
    this.#called("addApp", added.name, ...(paused === undefined ? [] : [paused]));
    this.known.set(added.name, newApp(added));
    return this.app(added.name);
  };
  removeApp = async (name: string): Promise<void> => {
    this.#called("removeApp", name);
    this.known.delete(this.app(name).definition.name);
  };
  apply: Deployer["apply"] = async (definitions, options) => {
    this.#called(
      "apply",
      definitions.map(({ name }) => name),
      options,
    );
    return { changes: [], deployments: [] };
  };
  refsChanged: Deployer["refsChanged"] = async (app, requestId) => {
    this.#called("refsChanged", app, requestId);
    return this.report;
  };
  imageChanged: Deployer["imageChanged"] = async (hint) => {
    this.#called("imageChanged", hint);
    return "looked at";
  };
  repositoryChanged: Deployer["repositoryChanged"] = async (urls) => {
    this.#called("repositoryChanged", urls);
    return "looked at";
  };
  deployRef: Deployer["deployRef"] = async (app, ref, options) => this.#queue("deployRef", app, ref, options);
  deployImage: Deployer["deployImage"] = async (app, reference, options) =>
    this.#queue("deployImage", app, reference, options);
  deployUpload: Deployer["deployUpload"] = async (app, tree, options) =>
    this.#queue("deployUpload", app, tree.label, options);
  rollback: Deployer["rollback"] = async (app, release, options) => this.#queue("rollback", app, release, options);
  approve: Deployer["approve"] = (app, id) => this.#queue("approve", app, id);
  reject: Deployer["reject"] = (app, id) => this.#queue("reject", app, id);
  promote: Deployer["promote"] = async (app, id) => this.#queue("promote", app, id);
  rejectCanaries: Deployer["rejectCanaries"] = (app, id) => this.#queue("rejectCanaries", app, id);
  pause: Deployer["pause"] = (app, reason) => {
    this.#called("pause", app, reason);
    return { ...this.app(app), paused: { since: 1, reason } };
  };
  resume: Deployer["resume"] = (app) => {
    this.#called("resume", app);
    return this.app(app);
  };
  deployment = (id: number): Deployment => {
    if (id === 1) return { ...deployment, state: this.state, hold: this.hold };
    throw new SteppeError("DEPLOYMENT_NOT_FOUND", { operation: "find", subject: `${id}`, cause: "no such deployment" });
  };
  deployments: Deployer["deployments"] = (app, limit) => (app === "blog" ? [deployment].slice(0, limit) : []);
  releases: Deployer["releases"] = () => [];
  events: Deployer["events"] = (id, signal) => this.stream(id, signal);
  buildLog: Deployer["buildLog"] = () => this.buildLogFile;
  purge = async (app: string): Promise<void> => this.#called("purge", app);
  collectGarbage: Deployer["collectGarbage"] = async () => {
    this.#called("collectGarbage");
    return { releases: 1, images: 2, files: 3, bytes: 4 };
  };

  #queue(...call: unknown[]): Deployment {
    this.#called(...call);
    this.app(String(call[1]));
    return deployment;
  }

  #called(...call: unknown[]): void {
    this.calls.push(call);
    if (this.failure !== undefined) throw this.failure;
  }
}

function newApp(of: AppDefinition): App {
  return {
    definition: of,
    liveRelease: null,
    pushToken: `push-token-of-${of.name}`,
    createdAt: 1,
    updatedAt: 2,
    tagsUnread: null,
    paused: null,
  };
}
