import type { AppDefinition } from "../config/index.ts";
import type { SourceTree } from "../builds/index.ts";
import type { Engine, ReleaseSpec } from "../engines/engine.ts";
import type { Image } from "../images/index.ts";
import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/log.ts";
import type { PollTrouble } from "../sources/index.ts";
import type { Store } from "../store/index.ts";
import type { GarbageReport } from "./types.ts";

/** What the deployer wants of the repositories of apps. */
export interface SourcesPort {
  /** Makes the app's repository if it is not there; whatever is done with it makes it as well. Throws GIT_MISSING, DISK_FULL. */
  ensure(app: string): Promise<void>;
  remove(app: string): Promise<void>;
  /** Brings a remote's refs here. Throws REMOTE_UNREACHABLE. */
  fetch(app: string, url: string, signal: AbortSignal): Promise<void>;
  /**
   * What changed since the refs were last marked as seen, what of it deploys by the app's patterns and versions, and why the rest
   * does not. `live` is the tag that is live, null if none is.
   */
  look(definition: AppDefinition, live: string | null): Promise<RefsLook>;
  /** Marks what a look saw, or of that no more than one ref, in the caller's transaction. */
  markSeen(app: string, look: RefsLook, ref?: string): void;
  /** Whether some ref of the repository is not as it was last marked as seen. Cheap: asked of every app at each start. */
  hasUnseenRefs(app: string): Promise<boolean>;
  /** A ref's commit, or undefined if there is no such ref. */
  resolve(app: string, ref: string): Promise<string | undefined>;
  tree(app: string, commit: string, label: string): SourceTree;
  /** Packs the app's repository anew if there is much to gain. Takes a while; nobody waits. */
  maintain(app: string, signal: AbortSignal): Promise<void>;
  /** Names of tags or branches, for "did you mean". */
  names(app: string, kind: "tag" | "branch"): Promise<string[]>;
}

export interface RefsLook {
  /** The ref that deploys, if any. */
  deploy: { ref: string; commit: string; movedFrom?: string } | undefined;
  /** For people: a ref that changed and is not deployed, and why. */
  notes: string[];
}

/** What the deployer wants of builds and images. */
export interface ContentPort {
  /** Makes the image of a source. On a cluster, that of a site is in the app's repository then, by its digest. */
  build(request: BuildRequest): Promise<Image>;
  /** Brings an image of a registry here; what is here of it already is not fetched again. On a cluster it is only looked at. */
  pull(request: PullRequest): Promise<Image>;
  /** Puts an image into a registry, with a tag; what is there of it already is not sent again. */
  push(request: PushRequest): Promise<void>;
  /** The log that `build` wrote for a deployment, or null. */
  buildLog(deployment: number): string | null;
  removeBuildLogs(deployments: readonly number[]): Promise<void>;
  /** Forgets what builds of an app keep from one to the next. */
  forgetApp(app: string): Promise<void>;
  /** While it is held, garbage collection takes what nothing names yet: from before `build` or `pull` until its image is journaled. */
  hold(): Disposable;
  /** Whether all of an image's files can be read; on a cluster they need not be here. */
  hasImage(digest: string): boolean;
  /** Makes the compressed forms of an image's files; resolves with whether there are new ones. */
  encode(digest: string, signal: AbortSignal): Promise<boolean>;
  collectGarbage(
    keepImages: () => ReadonlySet<string>,
    beforeRemoval: () => Promise<void>,
  ): Promise<Omit<GarbageReport, "releases">>;
}

export interface BuildRequest {
  definition: AppDefinition;
  deployment: number;
  tree: SourceTree;
  /** `v2`, `main`, or the name of an uploaded folder. */
  label: string;
  /** Awaited when all is built and the rest is to send it to a registry; disposed of when that has ended. */
  sending(): Promise<Disposable>;
  signal: AbortSignal;
  /** A line that the build printed. */
  onLine(line: string): void;
  /** Says what is going on, for the person who waits. */
  progress(message: string): void;
}

export interface PullRequest {
  definition: AppDefinition;
  /** With its digest. */
  reference: string;
  signal: AbortSignal;
  progress(message: string): void;
}

export interface PushRequest {
  /** Of the image. */
  digest: string;
  /** With the tag that it gets. */
  reference: string;
  signal: AbortSignal;
  progress(message: string): void;
}

/** What the deployer wants of registries. All of it throws REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_LIMITED, …. */
export interface RegistryPort {
  /** Connections to registries, for a while. */
  open(): Promise<RegistryReader>;
}

export interface RegistryReader extends Disposable {
  /** The digest that a reference's tag stands for, or its digest, if there is such an image; else undefined. */
  resolve(reference: string, signal: AbortSignal): Promise<string | undefined>;
  /** The tags of a repository, no more than `most`; undefined if there is no such repository. */
  tags(repository: string, most: number, signal: AbortSignal): Promise<string[] | undefined>;
  /** When the image of a reference with a digest was made, by its own word, milliseconds since 1970; null if it tells no such time. */
  createdAt(reference: string, signal: AbortSignal): Promise<number | null>;
}

/** What an engine may offer besides its contract. */
export interface DeployEngine extends Engine {
  /** Forgets the files of earlier releases that are still in their grace time. */
  purge(app: string): Promise<void>;
  /** Content of these releases moved or got compressed forms: look at it anew. */
  refresh(releases: readonly ReleaseSpec[]): Promise<void>;
  /** Of a cluster: lets the release take over whose `route` said that it awaits promotion. Throws NOMAD_DEPLOYMENT_UNREADY, …. */
  promote?(app: string): Promise<void>;
}

/** Repositories of git that live elsewhere, and those of images, looked at again and again. */
export interface RemotesPort {
  /** Begins to look, or looks as the changed definition says; an app that has neither is not looked at. */
  watch(definition: AppDefinition): void;
  forget(app: string): Promise<void>;
  /** Why one of them cannot be read, and since when; null if they can, or there is none. */
  trouble(app: string): PollTrouble | null;
}

export interface DeployerDependencies {
  store: Store;
  sources: SourcesPort;
  remotes: RemotesPort;
  content: ContentPort;
  registry: RegistryPort;
  engine: DeployEngine;
  /**
   * Whether instances run on machines that are others' as well, and fetch their images from a registry: then each image has to be in its app's repository, and what runs there
   * is changed by deployments and removals alone, never to bring it into line with the store.
   */
  isCluster: boolean;
  clock: Clock;
  log: Logger;
  /** Where the site of a domain can be seen: `http://blog.localhost:8080`, …. */
  urls(definition: AppDefinition): string[];
  /** Called before a release with domains is routed, so that there is a certificate for each. */
  ensureCertificates(domains: readonly string[]): Promise<void>;
  /** A new secret that may push to one app. */
  newPushToken(): string;
  /** How many builds may run at once. */
  parallelBuilds: number;
}
