import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Api, LogFiles, loadToken, newToken, PlatformInspector, siteUrls } from "../api/index.ts";
import type { PlatformAddresses } from "../api/types.ts";
import { Builder } from "../builds/index.ts";
import { CertificateManager, LocalCa } from "../certificates/index.ts";
import { formatListenAddress, type UpOptions } from "../config/index.ts";
import { AppDeployer } from "../deployer/index.ts";
import { createLocalEngine, hasOutdatedIndexes, renewIndexes } from "../engines/local/index.ts";
import { EncodingMaker, exportImage, type ImageStore, openFileStore, openImageStore } from "../images/index.ts";
import { IngressSupervisor } from "../ingress/index.ts";
import { writeFileAtomic } from "../shared/atomic-file.ts";
import type { Clock } from "../shared/clock.ts";
import type { Logger } from "../shared/log.ts";
import { version } from "../shared/version.ts";
import { Repositories } from "../sources/index.ts";
import {
  backupBeforeMigration,
  BackupSchedule,
  createFullBackup,
  type DataPaths,
  GitFileTable,
  openDataFolder,
  ReleaseTable,
  Store,
} from "../store/index.ts";
import { HintActor } from "../webhooks/index.ts";
import type { Announcer } from "./announcer.ts";
import { buildId } from "./build-id.ts";
import { contentPort } from "./content-port.ts";
import { routeControlHost } from "./control-route.ts";
import { Images } from "./images.ts";
import { lastAddresses, listenAgain } from "./listen-again.ts";
import { makeWebhooks } from "./make-webhooks.ts";
import { registryPort } from "./registry-port.ts";
import { remotesPort } from "./remotes-port.ts";
import { sourcesPort } from "./sources-port.ts";
import { uploadService } from "./upload-service.ts";

/** What everything is made with. */
export interface Surroundings {
  announcer: Announcer;
  log: Logger;
  clock: Clock;
  /** Whether the machine's visitors are served: then the ingress goes on serving whatever becomes of this process. */
  isService: boolean;
}

/** The platform, from the moment that everything runs. */
export interface Platform {
  readonly addresses: PlatformAddresses;
  readonly deployer: AppDeployer;
  readonly token: string;
  /** Ends control; the ingress goes on serving. */
  leave(): Promise<void>;
  /** Ends control and ingress. */
  stop(): Promise<void>;
  /** For a start that failed: ends control, and an ingress that it started; not of a service, nor one that served before. */
  giveUp(): Promise<void>;
}

/**
 * The composition root: the one place that makes the real rooms and joins them. Visitors come first: the ingress serves from its
 * snapshot before the store is opened, unless another version of Steppe made what is in it. What was begun is ended again if something later fails; an ingress that served before
 * this process started, or that is a service's, is left to serve.
 */
export async function startPlatform(options: UpOptions, surroundings: Surroundings): Promise<Platform> {
  const { log, clock } = surroundings;
  await using ending = new AsyncDisposableStack();
  const startedAt = clock.now();
  const data = ending.use(openDataFolder(options.data));
  const { paths } = data;
  const open = once(() => openContents(paths, surroundings, ending));
  if (hasOutdatedIndexes(paths)) await renew(open(), paths, surroundings);
  const ingress = await startIngress(options, paths, surroundings);
  const isMine = !ingress.hasAdopted && !surroundings.isService;
  let stopIngress = isMine;
  ending.defer(async () => (stopIngress ? await ingress.stop() : ingress.close()));
  const lifetime = abortedWith(ending);

  const token = loadToken(paths.token, log);
  const { store, images } = open();
  const ca = LocalCa.open(paths.ca, clock, log);
  const certificates = new CertificateManager({
    issuer: ca,
    folder: paths.certificates,
    publisher: ingress.publisher,
    defaultNames: ["localhost", "127.0.0.1", "::1", ...(options.host === null ? [] : [options.host])],
    clock,
    log,
  });
  const repositories = new Repositories({ folder: paths.repositories, clock });
  await repositories.reconcile();
  const knownFiles = new GitFileTable(store);
  const builder = new Builder({
    folders: buildFolders(paths),
    files: images.files,
    knownFiles,
    layers: images.taken,
    clock,
    log,
    environment: process.env,
  });
  await builder.reconcile();

  const addressesFile = join(paths.run, "addresses.json");
  const last = lastAddresses(addressesFile);
  const addresses: PlatformAddresses = { ...listening(ingress), api: "", git: "", webhooks: null };
  const saveAddresses = (): void => writeFileAtomic(addressesFile, JSON.stringify(addresses));
  const remotes = remotesPort({
    lookAtRefs: (app) => deployer.refsChanged(app, "poll"),
    lookAtImages: (app) => deployer.lookAtImages(app, "poll"),
    clock,
    log,
  });
  ending.defer(() => remotes.stop());
  const registries = { env: definedOf(process.env), insecure: new Set(options.insecureRegistries), clock };
  const deployer = new AppDeployer({
    store,
    sources: sourcesPort({ repositories, store, clock, originOf: (app) => deployer.app(app).definition.repository }),
    remotes,
    registry: registryPort(registries),
    content: contentPort({
      builder,
      images,
      registries,
      encodings: new EncodingMaker(images.files),
      log,
    }),
    engine: createLocalEngine({
      files: images.files,
      readTree: (digest) => images.readTree(digest),
      publisher: ingress.publisher,
      packFolder: paths.packs,
      siteFolder: paths.sites,
      clock,
      log,
    }),
    clock,
    log,
    urls: (definition) => siteUrls(definition, addresses),
    ensureCertificates: (domains) => certificates.ensure(domains),
    newPushToken: newToken,
    parallelBuilds: Math.max(2, availableParallelism()),
  });
  const routeControl = (withWebhooks: boolean): Promise<void> =>
    routeControlHost(
      options.host,
      { api: paths.apiSocket, webhooks: withWebhooks ? paths.webhookSocket : null },
      ingress.publisher,
    );
  const webhooks = makeWebhooks({
    store,
    handler: new HintActor(deployer),
    wanted: options.webhooks,
    socket: options.host === null ? null : paths.webhookSocket,
    last: last.webhooks ?? null,
    changed: async (address) => {
      await routeControl(address !== null);
      addresses.webhooks = address;
      saveAddresses();
    },
    clock,
    log,
  });
  const api = new Api({
    deployer,
    git: repositories,
    uploads: uploadService(paths.builds),
    logs: new LogFiles(paths.logs, clock),
    images: new Images({ images, tables: images.files.tables, deployer, registries }),
    cluster: null,
    exportImage: (digest, options) => exportImage(images, digest, options),
    backup: () =>
      createFullBackup({
        database: store.database,
        paths,
        version,
        clock,
        holdGarbageCollection: (work) => images.withoutRemoval(work),
      }),
    webhooks: webhooks.service,
    webhooksUrl: options.webhooksUrl,
    status: () => inspector.status(),
    replaceIngress: () => ingress.replace(),
    ca: () => ca.certificate,
    addresses: () => addresses,
    token,
    apiHost: options.host,
    log,
    clock,
  });
  const inspector = new PlatformInspector({
    version,
    paths,
    addresses: () => addresses,
    startedAt,
    ingress: () => ingress.processes(),
    clock,
  });
  ending.defer(() => api.close());
  addresses.api = await listenAgain(api, options.api, last.api ?? null);
  addresses.git = `${addresses.api}/git/`;
  if (options.host !== null) await api.listenOnSocket(paths.apiSocket);
  await routeControl(webhooks.has());
  await deployer.start();
  ending.defer(() => deployer.stop());
  ending.defer(() => webhooks.stop());
  await webhooks.start();
  lifetime.run((signal) => certificates.run(signal));
  lifetime.run((signal) =>
    new BackupSchedule({ database: store.database, folder: paths.backups, clock, log }).run(signal),
  );
  saveAddresses();

  const resources = ending.move();
  const end = (withIngress: boolean): Promise<void> => {
    stopIngress = withIngress;
    return resources.disposeAsync();
  };
  return { addresses, deployer, token, leave: () => end(false), stop: () => end(true), giveUp: () => end(isMine) };
}

function startIngress(
  options: UpOptions,
  paths: DataPaths,
  { announcer, log, clock }: Surroundings,
): Promise<IngressSupervisor> {
  return IngressSupervisor.start({
    http: options.http,
    https: options.https,
    workers: options.workers ?? availableParallelism(),
    dataFolder: paths.root,
    buildId: buildId(),
    announce: (message) => announcer.ingress(message),
    clock,
    log,
  });
}

interface Contents {
  store: Store;
  images: ImageStore;
}

function openContents(paths: DataPaths, surroundings: Surroundings, ending: AsyncDisposableStack): Contents {
  const beforeMigration = backupBeforeMigration(paths.backups, surroundings.clock);
  const store = ending.use(Store.open(paths.database, { beforeMigration, backups: paths.backups }));
  const images = openImages(store, paths, surroundings);
  ending.defer(() => images.files.close());
  return { store, images };
}

/** What visitors are served from was made by another version of Steppe: makes it anew. */
async function renew({ store, images }: Contents, paths: DataPaths, { clock, log }: Surroundings): Promise<void> {
  const releases = new ReleaseTable(store);
  await renewIndexes({
    folders: paths,
    files: images.files,
    readTree: (digest) => images.readTree(digest),
    releaseOf: (app, number) => releases.get(app, number),
    clock,
    log,
  });
}

function once<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}

function openImages(store: Store, paths: DataPaths, { log, clock }: Surroundings): ImageStore {
  const files = openFileStore({ folder: paths.packs, store, log, clock });
  for (const { name, cause } of files.missingPacks())
    log.error({ pack: name, cause }, "a pack of the file store is lost");
  const images = openImageStore({ folder: paths.images, layout: paths.oci, files, log, clock });
  for (const image of images.damagedImages())
    log.error({ image }, "something of an image is lost; deploy its tag again");
  return images;
}

function definedOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

function buildFolders({ root, builds, cache, logs }: DataPaths) {
  return { data: root, builds, cache, logs: `${logs}/builds` };
}

function listening(ingress: IngressSupervisor): { http: string; https: string } {
  const { http, https } = ingress.addresses;
  return { http: `http://${formatListenAddress(http)}`, https: `https://${formatListenAddress(https)}` };
}

/** Work that goes on until the end: it is told of the end, and waited for. */
function abortedWith(ending: AsyncDisposableStack): { run(work: (signal: AbortSignal) => Promise<void>): void } {
  const controller = new AbortController();
  const running: Promise<void>[] = [];
  ending.defer(async () => {
    controller.abort(new Error("Steppe is stopping"));
    await Promise.all(running);
  });
  return { run: (work) => void running.push(work(controller.signal)) };
}
