import { createHash } from "node:crypto";
import type { AppDefinition } from "../config/index.ts";
import type { SourceTree } from "../builds/index.ts";
import type { Image } from "../images/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { FakeClock } from "../shared/clock.ts";
import { silentLogger } from "../shared/log.ts";
import { Store } from "../store/index.ts";
import type {
  BuildRequest,
  ContentPort,
  DeployerDependencies,
  PullRequest,
  PushRequest,
  RefsLook,
  RegistryPort,
  RegistryReader,
  SourcesPort,
} from "./dependencies.ts";
import { FakeEngine } from "./fake-engine.ts";
import type { Deployer, Deployment } from "./types.ts";

/** The world around the deployer, in memory. It outlives a deployer, as a repository and an engine outlive a process. */
export class FakeWorld implements DeployerDependencies {
  readonly store = Store.open(":memory:");
  readonly sources = new FakeSources();
  readonly remotes = { watch() {}, forget: () => Promise.resolve(), trouble: () => null };
  readonly engine = new FakeEngine();
  readonly registry = new FakeRegistry();
  readonly content = new FakeContent(this.registry);
  readonly clock = new FakeClock();
  readonly log = silentLogger;
  readonly parallelBuilds = 2;
  isCluster = false;
  #tokens = 0;

  urls(definition: AppDefinition): string[] {
    return definition.domains.map((domain) => `http://${domain}`);
  }

  async ensureCertificates(): Promise<void> {
    await this.engine.trouble("certificates");
  }

  newPushToken(): string {
    return `push-token-${this.#tokens++}`;
  }
}

/** Repositories: a map of refs each, and the order in which refs came. */
export class FakeSources implements SourcesPort {
  readonly repositories = new Map<string, Map<string, string>>();
  readonly seen = new Map<string, Map<string, string>>();
  readonly fetched: string[] = [];

  async ensure(app: string): Promise<void> {
    if (!this.repositories.has(app)) this.repositories.set(app, new Map());
  }

  async remove(app: string): Promise<void> {
    this.repositories.delete(app);
    this.seen.delete(app);
  }

  /** Called as the refs of a remote are fetched. */
  beforeFetch: () => Promise<void> | void = () => {};

  async fetch(app: string, _url: string, _signal: AbortSignal): Promise<void> {
    this.fetched.push(app);
    await this.beforeFetch();
  }

  push(app: string, ref: string, commit: string): void {
    const refs = this.repositories.get(app) ?? new Map<string, string>();
    this.repositories.set(app, refs.set(ref, commit));
  }

  async look(definition: AppDefinition): Promise<RefsLook> {
    const seen = this.seen.get(definition.name) ?? new Map<string, string>();
    const changed = [...(this.repositories.get(definition.name) ?? [])].filter(
      ([ref, commit]) => seen.get(ref) !== commit,
    );
    const last = changed.at(-1);
    if (last === undefined) return { deploy: undefined, notes: [] };
    const movedFrom = seen.get(last[0]);
    return { deploy: { ref: last[0], commit: last[1], ...(movedFrom === undefined ? {} : { movedFrom }) }, notes: [] };
  }

  markSeen(app: string, _look: RefsLook, only?: string): void {
    const refs = new Map(this.repositories.get(app));
    const isMeant = ([ref]: [string, string]): boolean => only === undefined || ref === only;
    this.seen.set(app, new Map([...(this.seen.get(app) ?? []), ...[...refs].filter(isMeant)]));
  }

  async hasUnseenRefs(app: string): Promise<boolean> {
    const seen = this.seen.get(app);
    return [...(this.repositories.get(app) ?? [])].some(([ref, commit]) => seen?.get(ref) !== commit);
  }

  async resolve(app: string, ref: string): Promise<string | undefined> {
    return this.repositories.get(app)?.get(ref);
  }

  tree(_app: string, commit: string): SourceTree {
    return fakeTree(commit);
  }

  async maintain(_app: string): Promise<void> {}

  async names(app: string): Promise<string[]> {
    return [...(this.repositories.get(app)?.keys() ?? [])].map((ref) => ref.split("/").slice(2).join("/"));
  }
}

/** A tree whose only content is its label. */
export function fakeTree(label: string): SourceTree {
  return {
    label,
    list: () => Promise.resolve([]),
    hasFile: () => Promise.resolve(false),
    async *read() {},
    checkout: () => Promise.resolve(),
  };
}

/** Builds: a commit that begins with `broken` fails, one that begins with `hang` goes on until it is aborted. */
export class FakeContent implements ContentPort {
  readonly images = new Map<string, string>();
  readonly built: string[] = [];
  readonly #registry: FakeRegistry;
  collections = 0;
  /** Called before something is pushed; may throw. */
  beforePush: (request: PushRequest) => Promise<void> | void = () => {};

  constructor(registry: FakeRegistry) {
    this.#registry = registry;
  }

  /** On a cluster: called as what was built is being sent to a registry. */
  whileSending: (request: BuildRequest) => Promise<void> | void = () => {};

  async build(request: BuildRequest): Promise<Image> {
    const { tree, signal, definition, label } = request;
    this.built.push(label);
    if (tree.label.startsWith("hang")) {
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    }
    if (tree.label.startsWith("broken")) {
      throw new SteppeError("BUILD_FAILED", {
        operation: "build",
        subject: `${definition.name}@${label}`,
        cause: "exit code 1",
      });
    }
    if (definition.image !== null) {
      using _ = await request.sending();
      await this.whileSending(request);
    }
    return this.#keep(fakeDigest(tree.label), tree.label);
  }

  async pull({ reference }: PullRequest): Promise<Image> {
    await this.#registry.ask(`pull ${reference}`);
    return this.#keep(reference.slice(reference.indexOf("@") + 1), reference);
  }

  async push(request: PushRequest): Promise<void> {
    await this.beforePush(request);
    this.#registry.requests.push(`push ${request.reference}`);
    const [, repository = "", tag = ""] = /^(.*):([^:/]+)$/.exec(request.reference) ?? [];
    this.#registry.push(repository, tag, request.digest);
  }

  buildLog(): string | null {
    return null;
  }

  async removeBuildLogs(): Promise<void> {}

  async forgetApp(): Promise<void> {}

  hold(): Disposable {
    return { [Symbol.dispose]() {} };
  }

  hasImage(digest: string): boolean {
    return this.images.has(digest);
  }

  async encode(_digest: string): Promise<boolean> {
    return false;
  }

  async collectGarbage(keepImages: () => ReadonlySet<string>, beforeRemoval: () => Promise<void>) {
    this.collections++;
    await beforeRemoval();
    const keep = keepImages();
    const gone = [...this.images.keys()].filter((digest) => !keep.has(digest));
    for (const digest of gone) this.images.delete(digest);
    return { images: gone.length, files: gone.length, bytes: gone.length };
  }

  /** The name of the commit that an image was made of. */
  commitOf(digest: string): string {
    return this.images.get(digest) ?? "";
  }

  #keep(digest: string, name: string): Image {
    this.images.set(digest, name);
    return { digest, files: 1, bytes: 1 };
  }
}

/** The digest of an image that is made of something of this name. */
export function fakeDigest(name: string): string {
  return `sha256:${createHash("sha256").update(name).digest("hex")}`;
}

/** Registries, in memory. */
export class FakeRegistry implements RegistryPort {
  /** By repository, the digest of each tag. */
  readonly repositories = new Map<string, Map<string, string>>();
  /** When the image of a digest was made. */
  readonly created = new Map<string, number>();
  /** What was asked, in order. */
  readonly requests: string[] = [];
  /** Called before each question; may throw. */
  trouble: (request: string) => Promise<void> | void = () => {};

  push(repository: string, tag: string, digest: string, createdAt?: number): void {
    const tags = this.repositories.get(repository) ?? new Map<string, string>();
    this.repositories.set(repository, tags.set(tag, digest));
    if (createdAt !== undefined) this.created.set(digest, createdAt);
  }

  async open(): Promise<RegistryReader> {
    return {
      resolve: async (reference) => {
        await this.ask(`resolve ${reference}`);
        const [, repository = "", tag, digest] = /^(.+?)(?::([^:/@]+))?(?:@(.+))?$/.exec(reference) ?? [];
        const tags = this.repositories.get(repository);
        return digest === undefined ? tags?.get(tag ?? "") : [...(tags?.values() ?? [])].find((it) => it === digest);
      },
      tags: async (repository, most) => {
        await this.ask(`tags ${repository}`);
        const tags = this.repositories.get(repository);
        return tags && [...tags.keys()].slice(0, most);
      },
      createdAt: async (reference) => {
        await this.ask(`created ${reference}`);
        return this.created.get(reference.slice(reference.indexOf("@") + 1)) ?? null;
      },
      [Symbol.dispose]() {},
    };
  }

  async ask(request: string): Promise<void> {
    this.requests.push(request);
    await this.trouble(request);
  }
}

/** Follows a deployment to its end. Throws if there is none. */
export async function ended(deployer: Deployer, deployment: Deployment | undefined): Promise<Deployment> {
  if (deployment === undefined) throw new Error("nothing was queued");
  for await (const _ of deployer.events(deployment.id, new AbortController().signal));
  return deployer.deployment(deployment.id);
}

/** Lets everything come to its end that waits for nothing. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}
