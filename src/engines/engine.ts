import type { AppDefinition } from "../config/index.ts";

/** What an engine needs to know of a release. */
export interface ReleaseSpec {
  app: string;
  /** The release's number within the app. */
  number: number;
  /** `sha256:…`, the image's digest. */
  image: string;
  /**
   * The image by its tag in the app's repository of images, with the digest that the tag stood for: `registry.example.com/team/blog:v1@sha256:…`. Absent if it has none. The
   * digest may be of an index for many platforms.
   */
  taggedReference?: string | undefined;
  /** The tag that its content came from, of git or of the app's repository of images, as people know it: `v1`. Absent if it came from none. */
  tag?: string | undefined;
  definition: AppDefinition;
}

/** One running copy of a release. */
export interface Instance {
  app: string;
  release: number;
  /** Whether visitors are sent to it. */
  routed: boolean;
}

/** What goes with a call: a way to stop it, and a way for it to say how it goes. */
export interface EngineContext {
  signal: AbortSignal;
  /** Says what is going on, for the person who waits. */
  progress(message: string): void;
  /** Says what a person should know also later: it is kept with the deployment. */
  note(message: string): void;
  /**
   * Says that instances which no visitor is sent to yet are healthy, and that it waits until `promote` or somebody at the cluster sends them visitors; or with false that it waits no
   * more. May be said again.
   */
  awaitsPromotion(waits: boolean): void;
  /** Whether it waits for no other deployments: what goes back does not, nor what is placed already. */
  isUrgent?: boolean | undefined;
  /** Whether the release was live before, and is gone back to: what was taken then is not refused now, where less was asked of releases. */
  isFormer?: boolean | undefined;
  /** Of `retire`: aborted when the app's next deployment goes back to a release from before, for which nobody is to wait. */
  hurry?: AbortSignal | undefined;
}

/**
 * What runs instances. The deployer calls these in this order for a deployment, having journaled
 * each step before it is taken:
 *
 *     place → awaitHealthy → route → retire
 *
 * and `abandon` instead of `route` when the release proved bad. Every call is idempotent: after a crash
 * the deployer calls the journaled step again, on an engine that may have done it wholly, in part or
 * not at all. Calls for one app never overlap; calls for different apps may.
 *
 * Failures are SteppeErrors: CHECK_FAILED with the check, the answer that came and the last log lines;
 * DRIVER_MISSING if this engine cannot run such an image; whatever else says why.
 */
export interface Engine {
  readonly name: "local" | "nomad";

  /**
   * Refuses an app that this engine could not run, before anything is built or stored.
   * Throws DOMAIN_INVALID, DRIVER_MISSING, ….
   */
  validate(definition: AppDefinition): void;

  /** Starts instances of the release beside whatever serves. No visitor is sent to them yet. */
  place(release: ReleaseSpec, context: EngineContext): Promise<void>;

  /** Resolves when every instance of the placed release answered its check from outside. Throws CHECK_FAILED. */
  awaitHealthy(release: ReleaseSpec, context: EngineContext): Promise<void>;

  /**
   * Sends the app's visitors, on all domains of the release's definition, to the release: one atomic
   * change. When it resolves, every new request is answered by the release, and domains that the definition no longer has are not
   * routed any more.
   */
  route(release: ReleaseSpec, context: EngineContext): Promise<void>;

  /**
   * Drains and stops every instance of the app but those of `release`. Resolves when they are gone; if the context's `hurry` says so, as soon as they will go without this engine, and another
   * release can be placed beside them meanwhile.
   */
  retire(release: ReleaseSpec, context: EngineContext): Promise<void>;

  /** Takes away what `place` made. The release that serves is not touched. Rejects with the reason of the signal, and may be called again then. */
  abandon(release: ReleaseSpec, signal?: AbortSignal): Promise<void>;

  /** Stops everything of an app and its routes. An app that is not there is fine. Rejects with the reason of the signal, and may be called again then. */
  remove(app: string, signal?: AbortSignal): Promise<void>;

  /** What is there now, of all apps or of one; the truth, not what was asked for. */
  instances(app?: string): Promise<Instance[]>;

  /**
   * Makes ready so that each of these releases can be routed at once (a rollback is one switch), and frees what is kept
   * for releases of the app that are not among them. The one that serves is always kept. Those that it has no driver for are passed over.
   */
  retain(app: string, releases: readonly ReleaseSpec[]): Promise<void>;
}
