import type { AppDefinition } from "../config/index.ts";
import type { JobDiff } from "../nomad-api/index.ts";
import type { ErrorBody } from "../shared/errors.ts";

/**
 * What goes over the wire between the API and its clients, as JSON. All under `/v1`, with
 * `Authorization: Bearer TOKEN`. An error is an ErrorBody with its code's status. `X-Request-Id` comes back
 * with each answer and is in every log line and deployment that the request led to.
 *
 *     GET    /v1/status                                   PlatformStatus
 *     GET    /v1/apps                                     AppView[]
 *     POST   /v1/apps                {definition}         AppView, 201
 *     POST   /v1/apply               ApplyRequest         ApplyResult
 *     GET    /v1/apps/APP                                 AppView
 *     DELETE /v1/apps/APP                                 204
 *     GET    /v1/apps/APP/removal                         RemovalView
 *     GET    /v1/apps/APP/releases                        Release[]
 *     GET    /v1/apps/APP/releases/N/image                a tar archive, an OCI image layout
 *     GET    /v1/apps/APP/deployments?limit=N             Deployment[]
 *     POST   /v1/apps/APP/deployments  {tag|branch|image, noGrace?}  Deployment, 202
 *     POST   /v1/apps/APP/uploads?noGrace=1  a tar archive     Deployment, 202
 *     POST   /v1/apps/APP/rollback     {release?, noGrace?}    Deployment, 202
 *     POST   /v1/apps/APP/approve      {deployment?}      Deployment
 *     POST   /v1/apps/APP/reject       {deployment?}      Deployment
 *     POST   /v1/apps/APP/promote      {deployment?}      Deployment
 *     POST   /v1/apps/APP/reject-canaries {deployment?}   Deployment
 *     GET    /v1/apps/APP/plan?release=N|image=REFERENCE  PlanView
 *     GET    /v1/apps/APP/drift                           DriftView, or null
 *     POST   /v1/apps/APP/drift/overwrite                 DriftView, or null
 *     POST   /v1/apps/APP/pause        {reason?}          AppView
 *     POST   /v1/apps/APP/resume                          AppView
 *     POST   /v1/apps/APP/purge                           204
 *     GET    /v1/apps/APP/logs?follow=1&lines=N           text, the app's access log
 *     GET    /v1/apps/APP/build-log?follow=1&deployment=N text, a build's log
 *     GET    /v1/webhooks                                 WebhookView[]
 *     POST   /v1/webhooks            NewWebhookRequest    WebhookSetup, 201
 *     GET    /v1/webhooks/NAME                            WebhookView
 *     DELETE /v1/webhooks/NAME                            204
 *     POST   /v1/webhooks/NAME/rotate  {keepMs, secret?}  WebhookSetup
 *     POST   /v1/webhooks/NAME/finish-rotation            WebhookView
 *     POST   /v1/webhooks/NAME/test                       WebhookTest
 *     GET    /v1/deliveries?webhook=NAME&before=N&limit=N DeliveryView[]
 *     POST   /v1/deliveries/N/redeliver                   DeliveryView, 202
 *     GET    /v1/deployments/N                            Deployment
 *     GET    /v1/deployments/N/events                     DeploymentEvent a line (NDJSON), until it has ended
 *     POST   /v1/ingress/replace                          204, new ingress processes in place of those that run
 *     GET    /v1/images                                   ImageView[]
 *     GET    /v1/images/inspect?of=DIGEST|REFERENCE       ImageDetails
 *     POST   /v1/images/pull           {reference}        ImageEvent a line (NDJSON), the last with `image` or `error`
 *     POST   /v1/images/push           {digest, reference}  ImageEvent a line (NDJSON), the last with `pushed` or `error`
 *     GET    /v1/cluster/drift                            DriftView[]
 *     GET    /v1/cluster/doctor                           DoctorReport
 *     POST   /v1/cluster/adopt         AdoptRequest       AdoptionView
 *     POST   /v1/gc                                       GarbageReport
 *     GET    /v1/backup                                   a tar archive
 *     GET    /v1/ca                                       the local CA's certificate, PEM (no token needed)
 *     GET    /healthz                                     204 (no token needed)
 *     *      /git/APP.git/…                               smart HTTP; Basic or Bearer, the token or the app's push token
 */
export type { AppDefinition };
export type {
  ApplyResult,
  Change,
  Deployment,
  DeploymentEvent,
  DeploymentState,
  GarbageReport,
  Hold,
  Release,
} from "../deployer/index.ts";
export type { DoctorCheck, DoctorReport } from "../engines/nomad/doctor/index.ts";
export type { FieldDiff, GroupDiff, JobDiff, ObjectDiff, TaskDiff } from "../nomad-api/index.ts";
export type { DeliveryView, Hint, WebhookSetup, WebhookTest, WebhookView } from "../webhooks/index.ts";
export type { ErrorBody };

export interface AppView {
  definition: AppDefinition;
  liveRelease: number | null;
  /** Where its site is: `http://blog.localhost:8080`, …, the domains of the live release or else of the definition. */
  urls: string[];
  /** The address for `git push`, with the app's push token in it; null if the repository lives elsewhere. */
  pushUrl: string | null;
  createdAt: number;
  updatedAt: number;
  /** Of a repository that lives elsewhere and cannot be read: since when (milliseconds since 1970) and why; else null. */
  tagsUnread: { since: number; error: ErrorBody } | null;
  /** Since when (milliseconds since 1970) and why nothing of it goes live by itself; null if it does. */
  paused: { since: number; reason: string | null } | null;
  /** Whether somebody else changed its job on the cluster; null if there is no cluster, or it does not say. */
  drifted: boolean | null;
  /** The newest deployment, if any. */
  lastDeployment: import("../deployer/index.ts").Deployment | null;
}

/** What becomes of an app's job on Nomad when the app is removed. */
export interface RemovalView {
  app: string;
  /** The job's id; null if it has none, or there is no cluster. */
  job: string | null;
  /** Whether it is stopped with all its instances; one that Steppe did not register goes on. */
  isStopped: boolean;
}

export interface ApplyRequest {
  definitions: AppDefinition[];
  dryRun?: boolean;
  prune?: boolean;
}

/** What a deployment would change in an app's job on Nomad, by Nomad's own word. */
export interface PlanView {
  app: string;
  /** The job's id. */
  job: string;
  /** Of a kept release its number; null: the app's definition as it is now. */
  release: number | null;
  /** The image's digest. */
  image: string;
  /** Null if nothing changes. */
  changes: JobDiff | null;
  /** Of each group, what becomes of how many instances: `Canary`, `Place`, `Stop`, `InPlaceUpdate`, `DestructiveUpdate`, `Ignore`, …; none of 0. */
  updates: Record<string, Record<string, number>>;
  /** Of each group whose instances would not all find a place, why. */
  unplaced: Record<string, string>;
  /** What Nomad says besides. */
  warnings: string[];
}

/** What somebody else changed in an app's job since Steppe registered it, or took it over. */
export interface DriftView {
  app: string;
  job: string;
  /** The version that the job has on Nomad; null if somebody removed it. */
  version: number | null;
  /** When that was registered, milliseconds since 1970; null where Nomad does not say. */
  changedAt: number | null;
  /** Since when: Steppe registered it last, or took it over and has not deployed it since. */
  since: "registered" | "adopted";
  /** What they changed; null if the job is gone, or it cannot be said any more: Nomad has forgotten what it was before, or the live release would be refused as it is now. */
  changes: JobDiff | null;
}

export interface AdoptRequest {
  /** The id of a job on Nomad. */
  job: string;
  /** What the app is called; absent: as the job. */
  app?: string;
  /** In place of those that its tags route. */
  domains?: string[];
  /** Whether the app that will have this definition may take the job over; with `add` the app is added, paused. Absent: nothing is changed. */
  take?: "mark" | "add";
}

/** A job of Nomad as an app. */
export interface AdoptionView {
  app: string;
  job: string;
  definition: AppDefinition;
  /** The image that the job runs now, as it has it. */
  image: string;
  /** What the first deployment changes, besides image and meta; null: nothing. */
  changes: JobDiff | null;
  /** For people, a sentence each. */
  notes: string[];
  taken: "mark" | "add" | null;
}

export interface NewWebhookRequest {
  name: string;
  sender: string;
  /** One that the sender made; absent: one is made. */
  secret?: string;
  /** Whether Docker Hub's `callback_url` is called. */
  callback?: boolean;
}

/** A process of the platform. */
export interface ProcessStatus {
  kind: "control" | "ingress";
  pid: number;
  /** Bytes. Proportional set size, where the kernel tells. */
  memory: number | null;
  startedAt: number;
}

export interface PlatformStatus {
  version: string;
  /** What runs the apps: this machine, or a cluster. */
  engine: "local" | "nomad";
  processes: ProcessStatus[];
  addresses: PlatformAddresses;
  dataFolder: string;
  /** Bytes in the data folder's file store, repositories and the rest. */
  disk: { files: number; repositories: number; other: number };
  apps: AppView[];
}

/** Where things are: the content of the `ready` event of `steppe up --json`. */
export interface PlatformAddresses {
  /** `http://127.0.0.1:8080`: the ingress's listeners; null on a cluster, whose visitors connect to Fabio. */
  http: string | null;
  https: string | null;
  /** `http://127.0.0.1:7070`. */
  api: string;
  /** `http://127.0.0.1:7070/git/`, to which `APP.git` is added. */
  git: string;
  /** `http://127.0.0.1:7071/hooks/`, to which a webhook's name is added; null as long as there is no webhook: then nothing listens. */
  webhooks: string | null;
}

/** An image that is kept. */
export interface ImageView {
  digest: string;
  /** What `steppe image ls` explains: made here of files, made elsewhere and a site, or something to run. */
  kind: "data" | "site" | "program";
  /** Of the site; 0 of a program. */
  files: number;
  /** Of the site's files; of a program, of its blobs. */
  bytes: number;
  /** When it was first kept, milliseconds since 1970. */
  createdAt: number;
  /** The releases that need it. Without any it is kept until the next garbage collection. */
  uses: ImageUse[];
}

/** A release whose image it is. */
export interface ImageUse {
  app: string;
  release: number;
  live: boolean;
  /** Of what it was made: a ref of the app's repository, or the reference of an image; null: of a folder. */
  source: string | null;
}

/** What an image is. */
export interface ImageDetails {
  /** Of the manifest, or of the index if it is one. */
  digest: string;
  /** Null of what was looked for among those that are kept. */
  reference: string | null;
  /** As what it is kept here, if it is. */
  kept: ImageView["kind"] | null;
  mediaType: string;
  /** `linux/amd64` */
  platforms: string[];
  /** The manifest or index, as it is. */
  manifest: Record<string, unknown>;
  /** The config for this machine, as it is; null if there is none for it. */
  config: Record<string, unknown> | null;
  /** For this machine, from the lowest to the uppermost. */
  layers: Array<{ digest: string; size: number; mediaType: string }>;
  /** What runs it here, this machine as a site or the nodes of the cluster, and why; null if nothing does. */
  served: { by: "site" | "cluster" | null; why: string };
}

/** What a push had to do. */
export interface ImagePushed {
  digest: string;
  reference: string;
  /** Blobs by how they came to be in the registry. */
  blobs: { there: number; mounted: number; uploaded: number };
  /** Bytes that were sent. */
  bytes: number;
}

/** A line of what pulling and pushing answer. */
export interface ImageEvent {
  /** What is going on. */
  message?: string;
  image?: ImageView;
  pushed?: ImagePushed;
  error?: ErrorBody;
}
