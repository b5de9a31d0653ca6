import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Api, LogFiles, loadToken, newToken, PlatformInspector, siteUrls } from "../api/index.ts";
import type { PlatformAddresses } from "../api/types.ts";
import { Builder } from "../builds/index.ts";
import type { UpOptions } from "../config/index.ts";
import { AppDeployer } from "../deployer/index.ts";
import { type ImageStore, openFileStore, openImageStore } from "../images/index.ts";
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
  Store,
} from "../store/index.ts";
import { HintActor, OpenPathTable } from "../webhooks/index.ts";
import type { Announcer } from "./announcer.ts";
import { claimEngine } from "./claim-engine.ts";
import type { EngineSide, SideParts } from "./engine-side.ts";
import { Images } from "./images.ts";
import { lastAddresses, listenAgain } from "./listen-again.ts";
import { makeWebhooks } from "./make-webhooks.ts";
import { logsOfBuilds } from "./no-ingress.ts";
import { withOpenPaths } from "./open-path-watch.ts";
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
 * The composition root: the one place that makes the real rooms and joins them; what depends on the engine is made by its side. What was begun is ended again if
 * something later fails.
 */
export async function startPlatform(options: UpOptions, surroundings: Surroundings): Promise<Platform> {
  const { log, clock } = surroundings;
  await using ending = new AsyncDisposableStack();
  const startedAt = clock.now();
  const data = ending.use(openDataFolder(options.data));
  const { paths } = data;
  const contents = once(() => openContents(paths, surroundings, ending));
  const side = await beginSide({ options, paths, surroundings, contents, ending });
  const lifetime = abortedWith(ending);

  const token = loadToken(paths.token, log);
  const { store, images } = contents();
  claimEngine(store, options.engine, paths.root);
  const repositories = new Repositories({ folder: paths.repositories, clock });
  await repositories.reconcile();
  const builder = new Builder({
    folders: buildFolders(paths),
    files: images.files,
    knownFiles: new GitFileTable(store),
    layers: images.taken,
    clock,
    log,
    environment: process.env,
  });
  await builder.reconcile();
  const registries = { env: definedOf(process.env), insecure: new Set(options.insecureRegistries), clock };
  const joined = side.join({ store, images, builder, registries });

  const addressesFile = join(paths.run, "addresses.json");
  const last = lastAddresses(addressesFile);
  const { http, https } = side.sites ?? { http: null, https: null };
  const addresses: PlatformAddresses = { http, https, api: "", git: "", webhooks: null };
  const saveAddresses = (): void => writeFileAtomic(addressesFile, JSON.stringify(addresses));
  const openPaths = new OpenPathTable();
  const polled = remotesPort({
    lookAtRefs: (app) => deployer.refsChanged(app, "poll"),
    lookAtImages: (app) => deployer.lookAtImages(app, "poll"),
    clock,
    log,
  });
  const remotes = withOpenPaths(polled, openPaths, () => webhooks.pathsChanged());
  ending.defer(() => remotes.stop());
  const registry = registryPort(registries);
  const deployer = new AppDeployer({
    store,
    sources: sourcesPort({ repositories, store, clock, originOf: (app) => deployer.app(app).definition.repository }),
    remotes,
    registry,
    content: joined.content,
    engine: joined.engine,
    isCluster: joined.isCluster,
    clock,
    log,
    urls: (definition) => siteUrls(definition, addresses),
    ensureCertificates: (domains) => joined.ensureCertificates(domains),
    newPushToken: newToken,
    parallelBuilds: Math.max(2, availableParallelism()),
  });
  const webhooks = makeWebhooks({
    store,
    handler: new HintActor(deployer),
    wanted: options.webhooks,
    wantedOpen: options.webhooksInJob,
    openPaths,
    socket: options.host === null ? null : paths.webhookSocket,
    last: last.webhooks ?? null,
    changed: async (address) => {
      await joined.routeControl(address !== null);
      addresses.webhooks = address;
      saveAddresses();
    },
    clock,
    log,
  });
  const { isCluster } = joined;
  const imagesHere = new Images({ images, tables: images.files.tables, deployer, registries, isCluster });
  const logFiles = new LogFiles(paths.logs, clock);
  const api = new Api({
    deployer,
    git: repositories,
    uploads: uploadService(paths.builds),
    logs: isCluster ? logsOfBuilds(logFiles) : logFiles,
    images: imagesHere,
    cluster: joined.cluster({ deployer, registry }),
    exportImage: (digest, options) => imagesHere.export(digest, options),
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
    replaceIngress: () => joined.replaceIngress(),
    ca: () => joined.ca(),
    addresses: () => addresses,
    token,
    apiHost: options.host,
    log,
    clock,
  });
  const inspector = new PlatformInspector({
    version,
    engine: options.engine,
    paths,
    addresses: () => addresses,
    startedAt,
    ingress: () => joined.ingress(),
    clock,
  });
  ending.defer(() => api.close());
  addresses.api = await listenAgain(api, options.api, last.api ?? null);
  addresses.git = `${addresses.api}/git/`;
  if (options.host !== null) await api.listenOnSocket(paths.apiSocket);
  await joined.routeControl(webhooks.has());
  await deployer.start();
  ending.defer(() => deployer.stop());
  ending.defer(() => webhooks.stop());
  await webhooks.start();
  lifetime.run((signal) => joined.run(signal));
  lifetime.run((signal) =>
    new BackupSchedule({ database: store.database, folder: paths.backups, clock, log }).run(signal),
  );
  saveAddresses();

  const resources = ending.move();
  const end = (withIngress: boolean | "mine"): Promise<void> => {
    side.endsWith(withIngress);
    return resources.disposeAsync();
  };
  return { addresses, deployer, token, leave: () => end(false), stop: () => end(true), giveUp: () => end("mine") };
}

/** What only the other engine needs is not loaded. */
async function beginSide(parts: SideParts): Promise<EngineSide> {
  if (parts.options.engine === "local") return await (await import("./machine-side.ts")).machineSide(parts);
  return (await import("./cluster-side.ts")).clusterSide(parts);
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
