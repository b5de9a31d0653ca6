import type { Readable } from "node:stream";
import type { SourceTree } from "../builds/index.ts";
import type { Deployer } from "../deployer/index.ts";
import type { ImageArchive } from "../images/index.ts";
import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/log.ts";
import type { GitRequest } from "../sources/index.ts";
import type { WebhookService } from "../webhooks/index.ts";
import type {
  AdoptionView,
  AdoptRequest,
  DoctorReport,
  DriftView,
  ImageDetails,
  ImagePushed,
  ImageView,
  PlanView,
  PlatformAddresses,
  PlatformStatus,
  RemovalView,
} from "./types.ts";

/** Answers git clients. `Repositories` of the sources room is one. */
export interface GitService {
  serve(request: GitRequest): Promise<void>;
}

/** Takes in folders that users send. */
export interface UploadService {
  /**
   * Unpacks a tar archive. Disposing of what it resolves with removes all that was unpacked; a rejection leaves nothing behind.
   * Rejects with UPLOAD_INVALID, DISK_FULL.
   */
  receive(app: string, archive: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<ReceivedUpload>;
}

export interface ReceivedUpload extends AsyncDisposable {
  tree: SourceTree;
}

export interface LogRequest {
  /** How many of the last lines; all if absent. */
  lines: number | undefined;
  /** Whether to go on with what comes, until the signal aborts. */
  follow: boolean;
  signal: AbortSignal;
}

/** Reads logs. Pieces of text that end with whole lines; an empty piece means that nothing came for a while. */
export interface LogService {
  /** The access log of an app, over all ingress processes. */
  access(app: string, request: LogRequest): AsyncIterable<string>;
  /** The log of a build; following ends when `isFinished` says so. */
  build(file: string, request: LogRequest, isFinished: () => boolean): AsyncIterable<string>;
}

/** Knows the images that are kept, and those of registries. `control/images.ts` is one. */
export interface ImageService {
  list(): ImageView[];
  /** By digest one that is kept, else one of a registry. Rejects with IMAGE_NOT_FOUND, and what registries do. */
  inspect(wanted: string, signal: AbortSignal): Promise<ImageDetails>;
  /** Rejects with what registries and images that cannot be taken do. */
  pull(reference: string, work: ImageWork): Promise<ImageView>;
  push(digest: string, reference: string, work: ImageWork): Promise<ImagePushed>;
}

export interface ImageWork {
  /** Says what is going on, for the person who waits. */
  progress(message: string): void;
  signal: AbortSignal;
}

/** Knows the cluster that apps run on. `control/cluster-service.ts` is one. */
export interface ClusterService {
  /** Throws RELEASE_NOT_FOUND, IMAGE_NOT_FOUND, and what Nomad and registries do. */
  plan(
    app: string,
    what: { release?: number | undefined; image?: string | undefined },
    signal: AbortSignal,
  ): Promise<PlanView>;
  /** Undefined if nobody else changed its job. */
  drift(app: string): Promise<DriftView | undefined>;
  /** Of all apps whose job somebody else changed. */
  drifts(): Promise<DriftView[]>;
  /**
   * The apps whose job somebody else changed; undefined if that cannot be said now. Asks no more than one question for all of them.
   *
   * @param app only whether this one's was, without asking for the jobs of others
   */
  drifted(app?: string): Promise<ReadonlySet<string> | undefined>;
  /** Lets the app's next deployment overwrite what somebody else changed, and says what that is. */
  overwriteDrift(app: string): Promise<DriftView | undefined>;
  /** Throws NOMAD_NOT_FOUND, NOMAD_JOB_UNADOPTABLE, APP_EXISTS, DOMAIN_TAKEN, …. */
  adopt(request: AdoptRequest): Promise<AdoptionView>;
  /** What becomes of an app's job when the app is removed. */
  removal(app: string): Promise<RemovalView>;
  doctor(signal: AbortSignal): Promise<DoctorReport>;
}

export interface ApiLimits {
  /** Bytes of a JSON body. Default 1 MiB. */
  jsonBytes: number;
  /** Bytes of a JSON body that holds all apps, some 1,300 bytes each. Default 32 MiB. */
  applyBytes: number;
  /** Bytes of an uploaded folder. Default 4 GiB. */
  uploadBytes: number;
  /** Milliseconds in which a JSON body must have come. Default 30 s. */
  jsonMs: number;
  /** Milliseconds without a byte of an upload. Default 60 s. */
  uploadIdleMs: number;
  /** Milliseconds in which who fetches an image takes nothing of it. Default 60 s. */
  imageIdleMs: number;
  /** Milliseconds after which a silent stream is sent an empty line, so that no proxy takes it for dead. Default 15 s. */
  heartbeatMs: number;
  /** Milliseconds that requests may still take when the API closes. Default 5 s. */
  closeMs: number;
}

export const DEFAULT_LIMITS: Readonly<ApiLimits> = {
  jsonBytes: 1024 ** 2,
  applyBytes: 32 * 1024 ** 2,
  uploadBytes: 4 * 1024 ** 3,
  jsonMs: 30_000,
  uploadIdleMs: 60_000,
  imageIdleMs: 60_000,
  heartbeatMs: 15_000,
  closeMs: 5000,
};

export interface ApiOptions {
  deployer: Deployer;
  git: GitService;
  uploads: UploadService;
  logs: LogService;
  images: ImageService;
  /** Null if apps run on this machine. */
  cluster: ClusterService | null;
  /** See exportImage. */
  exportImage(digest: string, options: { name: string; repoTag?: string }): Promise<ImageArchive>;
  /** See createFullBackup. */
  backup(): Promise<Readable>;
  webhooks: WebhookService;
  /** How senders of webhooks reach the listener, where a proxy leads there: `https://hooks.example.com`; or null. */
  webhooksUrl: string | null;
  /** All of the status but the apps. */
  status(): Promise<Omit<PlatformStatus, "apps">>;
  /** Puts new ingress processes in the place of those that run, without dropping a connection. */
  replaceIngress(): Promise<void>;
  /** The local CA's certificate, PEM. */
  ca(): string;
  /** Where things are, once all listeners are there. */
  addresses(): PlatformAddresses;
  /** What opens everything. */
  token: string;
  /** The host name under which the ingress passes requests on, if any. */
  apiHost: string | null;
  log: Logger;
  clock: Clock;
  limits?: Partial<ApiLimits>;
}
