import type { AppDefinition } from "../config/index.ts";
import type { SourceTree } from "../builds/index.ts";
import type { ErrorBody } from "../shared/errors.ts";
import type { PollTrouble } from "../sources/index.ts";
import type { ReleaseRow } from "../store/index.ts";
import type { Hold } from "./policy/hold.ts";

export type { Hold };

/** Where a deployment's content comes from. */
export type DeploymentSource =
  /** A tag or a branch of the app's repository. `movedFrom` is the commit that it pointed to when it was last seen elsewhere. */
  | { kind: "ref"; ref: string; commit: string; movedFrom?: string }
  /**
   * An image of a registry. `reference` names it wholly, `registry.example.com/team/blog:v1@sha256:…`; its digest may be of an index
   * for many platforms. `tag` is the registry's word for it, null if it was asked for by digest alone; `movedFrom` the digest that the
   * tag stood for when it was last seen elsewhere.
   */
  | { kind: "image"; reference: string; tag: string | null; digest: string; movedFrom?: string }
  /** A folder that a user sent; its content is in the file store already, as this image. */
  | { kind: "upload"; image: string }
  /** Back to a kept release, with its definition. */
  | { kind: "rollback"; release: number }
  /** What is live when its turn comes, with the app's changed definition (domains, check, …). */
  | { kind: "definition" };

/**
 * queued → building → built → released → placed → healthy → live, or from any of the first six to failed or
 * superseded. A state is journaled before the step after it begins, so `placed` means: place is to be
 * called, or was.
 */
export type DeploymentState =
  | "queued"
  | "building"
  | "built"
  | "released"
  | "placed"
  | "healthy"
  | "live"
  | "failed"
  | "superseded";

export const FINAL_STATES: ReadonlySet<DeploymentState> = new Set(["live", "failed", "superseded"]);

export interface Deployment {
  id: number;
  app: string;
  source: DeploymentSource;
  state: DeploymentState;
  /** Whether its switch leaves nothing of what was live before reachable. */
  noGrace: boolean;
  /** Whether nobody asked for it: a tag was pushed, or found. What a person asked for is never held. */
  byItself: boolean;
  /** When a person approved it, milliseconds since 1970; null if nobody did. */
  approvedAt: number | null;
  /** What it waits for, though its turn has come; null if nothing holds it. */
  hold: Hold | null;
  /** `sha256:…`, once built. */
  image: string | null;
  /** The release's number, once made. */
  release: number | null;
  error: ErrorBody | null;
  requestId: string;
  createdAt: number;
  finishedAt: number | null;
}

/** A line of a deployment's journal, and of what a person is shown while it runs. */
export interface DeploymentEvent {
  deployment: number;
  app: string;
  seq: number;
  /** Milliseconds since 1970. */
  at: number;
  /** A state that was reached, or something that happened within one. With `held` it has begun to wait for what its `hold` says. */
  event: DeploymentState | "held" | "progress" | "note" | "log";
  /** For people: "built in 3.1 s, 1,204 files". Of `log`, a line that the build printed. */
  message: string;
  /** Milliseconds since the deployment was queued. */
  elapsedMs: number;
  /** At the end of a failed deployment. */
  error?: ErrorBody;
  /** Once live: where to look. */
  urls?: string[];
}

export interface Release extends ReleaseRow {
  live: boolean;
}

export interface App {
  definition: AppDefinition;
  liveRelease: number | null;
  pushToken: string;
  createdAt: number;
  updatedAt: number;
  /** Of a repository that lives elsewhere and cannot be read: since when and why; else null. */
  tagsUnread: PollTrouble | null;
  /** Since when (milliseconds since 1970) and why nothing of it goes live by itself; null if it does. */
  paused: { since: number; reason: string | null } | null;
}

/** One difference that `apply` would make, or made. */
export interface Change {
  app: string;
  action: "add" | "change" | "remove" | "none";
  /** Of a change, the fields that differ: `domains: blog.test → blog.example.com`. */
  fields: string[];
}

/** How a deployment is asked for. */
export interface DeployOptions {
  requestId: string;
  /** Whether its switch leaves nothing of what was live before reachable. Default false: hash-named files stay for the app's `grace`. */
  noGrace?: boolean;
}

/** The same of what has to be looked up first, at a repository or a registry elsewhere. */
export interface LookUpOptions extends DeployOptions {
  /** Aborted once whoever asked has gone away: if that is before it is known what there is to deploy, nothing is deployed. */
  signal?: AbortSignal;
}

/** What the rooms above (api, webhooks) may ask of the deployer. Failures are SteppeErrors. */
export interface Deployer {
  apps(): App[];
  /** Throws APP_NOT_FOUND. */
  app(name: string): App;
  /**
   * Adds an app. Throws APP_EXISTS, DOMAIN_TAKEN, DOMAIN_INVALID.
   *
   * @param options.paused why nothing of it shall go live by itself yet
   */
  addApp(definition: AppDefinition, options?: { paused?: string }): Promise<App>;
  /** Stops it, and forgets its repository, releases and logs. */
  removeApp(name: string): Promise<void>;
  /**
   * Makes the apps be as declared: adds, changes, and with `prune` removes those that are not declared. A changed definition of
   * an app that is live is deployed. Throws before anything is changed if any of it cannot be.
   */
  apply(
    definitions: readonly AppDefinition[],
    options: { dryRun: boolean; prune: boolean; requestId: string },
  ): Promise<ApplyResult>;

  /** Looks at the app's repository now (fetching it, if it is a remote one) and queues what is new. */
  refsChanged(app: string, requestId: string): Promise<RefsReport>;
  /**
   * Something in a registry may have changed: the image of which apps it is, is looked at now. `tags` are those that may have; null if any
   * may. Resolves with what came of it, one line for people, also if there was nothing to do; rejects if it should be tried again.
   */
  imageChanged(hint: HintedImage, requestId: string, signal: AbortSignal): Promise<string>;
  /** Some ref of a repository elsewhere, known by any of `urls`, may have changed. Resolves and rejects as `imageChanged` does. */
  repositoryChanged(urls: readonly string[], requestId: string, signal: AbortSignal): Promise<string>;
  /** Deploys one tag or branch, asked for by a person: even one that the pattern does not match or that is live already. Fetches a remote first. */
  deployRef(app: string, ref: { tag: string } | { branch: string }, options: LookUpOptions): Promise<Deployment>;
  /**
   * Deploys an image of a registry, asked for by a person: whatever the app's patterns, and from any repository. `latest` only by its
   * digest. Throws REFERENCE_INVALID, TAG_REFUSED, IMAGE_NOT_FOUND, REGISTRY_UNREACHABLE and what else registries do.
   */
  deployImage(app: string, reference: string, options: LookUpOptions): Promise<Deployment>;
  /** Deploys a folder. */
  deployUpload(app: string, tree: SourceTree, options: DeployOptions): Promise<Deployment>;
  /** To a kept release; without a number, to the one that was live before. */
  rollback(app: string, release: number | undefined, options: DeployOptions): Promise<Deployment>;

  /**
   * Lets a deployment go on that waits for approval; without a number, the app's newest of them. It may have to wait for a window yet.
   * Throws NOTHING_TO_APPROVE, DEPLOYMENT_NOT_FOUND.
   */
  approve(app: string, deployment: number | undefined): Deployment;
  /** Ends a deployment that waits for approval. Throws as `approve` does. */
  reject(app: string, deployment: number | undefined): Deployment;
  /**
   * Lets a deployment take over whose canaries are healthy and wait for a person; without a number, the app's one that does. Rejects with NOTHING_TO_PROMOTE,
   * DEPLOYMENT_NOT_FOUND, CLUSTER_MISSING, and what the cluster says.
   */
  promote(app: string, deployment: number | undefined): Promise<Deployment>;
  /** Ends a deployment that waits for promotion: what serves goes on. Throws as `promote` does. */
  rejectCanaries(app: string, deployment: number | undefined): Deployment;
  /** From now on nothing of the app goes live by itself: it is queued, and waits. What a person asks for does. */
  pause(app: string, reason: string | null): App;
  /** Ends a pause: what waits goes on. Nothing is changed if there is none. */
  resume(app: string): App;

  /** Throws DEPLOYMENT_NOT_FOUND. */
  deployment(id: number): Deployment;
  /** The newest first. */
  deployments(app: string, limit: number): Deployment[];
  /** The newest first. */
  releases(app: string): Release[];
  /** The events of a deployment from its first, and as they come, until it has ended or the signal aborts. */
  events(deployment: number, signal: AbortSignal): AsyncIterable<DeploymentEvent>;
  /** The file in which the log of a deployment's build is, or null if nothing was built. */
  buildLog(deployment: number): string | null;
  /** Forgets the files that stay reachable in their grace time after a switch. */
  purge(app: string): Promise<void>;
  /** Frees what no kept release needs. */
  collectGarbage(): Promise<GarbageReport>;
}

/** An image of which somebody says that it changed. */
export interface HintedImage {
  /** `registry.example.com:5000` */
  registry: string;
  /** `team/blog` */
  repository: string;
  /** The tags that may have changed; null if it is not told which. */
  tags: readonly string[] | null;
  /** Whether it was proven who says so; else a tag that was there before, and that nobody asked for, is no newer for being told of. */
  isProven: boolean;
}

/** What came of a look at an app's refs. */
export interface RefsReport {
  queued: Deployment[];
  /** For people: why a ref that changed was not deployed, that a tag moved. */
  notes: string[];
}

export interface ApplyResult {
  changes: Change[];
  /** What was queued, for the caller to follow. Empty in a dry run. */
  deployments: Deployment[];
}

export interface GarbageReport {
  releases: number;
  images: number;
  files: number;
  /** Bytes of disk that were freed. */
  bytes: number;
}
