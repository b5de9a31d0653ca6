import { availableParallelism } from "node:os";
import { CertificateManager, LocalCa } from "../certificates/index.ts";
import { formatListenAddress } from "../config/index.ts";
import { createLocalEngine, hasOutdatedIndexes, renewIndexes } from "../engines/local/index.ts";
import { EncodingMaker } from "../images/index.ts";
import { IngressSupervisor } from "../ingress/index.ts";
import { ReleaseTable } from "../store/index.ts";
import { buildId } from "./build-id.ts";
import { contentPort } from "./content-port.ts";
import { routeControlHost } from "./control-route.ts";
import type { EngineParts, EngineSide, JoinedEngine, SideParts } from "./engine-side.ts";

/**
 * This machine serves its sites by itself. Visitors come first: the ingress serves from its snapshot before the store is opened, unless another version of Steppe made
 * what is in it. One that served before this process started, or that is a service's, is left to serve if the start fails.
 */
export async function machineSide(parts: SideParts): Promise<EngineSide> {
  const { paths, surroundings, contents, ending } = parts;
  if (hasOutdatedIndexes(paths)) await renew(parts, contents());
  const ingress = await startIngress(parts);
  const isMine = !ingress.hasAdopted && !surroundings.isService;
  let stopIngress = isMine;
  ending.defer(async () => (stopIngress ? await ingress.stop() : ingress.close()));
  return {
    sites: listening(ingress),
    join: (joined) => join(parts, ingress, joined),
    endsWith(withIngress) {
      stopIngress = withIngress === "mine" ? isMine : withIngress;
    },
  };
}

function join(
  { options, paths, surroundings: { clock, log } }: SideParts,
  ingress: IngressSupervisor,
  { images, builder, registries }: EngineParts,
): JoinedEngine {
  const { publisher } = ingress;
  const ca = LocalCa.open(paths.ca, clock, log);
  const certificates = new CertificateManager({
    issuer: ca,
    folder: paths.certificates,
    publisher,
    defaultNames: ["localhost", "127.0.0.1", "::1", ...(options.host === null ? [] : [options.host])],
    clock,
    log,
  });
  return {
    isCluster: false,
    engine: createLocalEngine({
      files: images.files,
      readTree: (digest) => images.readTree(digest),
      publisher,
      packFolder: paths.packs,
      siteFolder: paths.sites,
      clock,
      log,
    }),
    content: contentPort({ builder, images, registries, encodings: new EncodingMaker(images.files), log }),
    ensureCertificates: (domains) => certificates.ensure(domains),
    routeControl: (withWebhooks) =>
      routeControlHost(
        options.host,
        { api: paths.apiSocket, webhooks: withWebhooks ? paths.webhookSocket : null },
        publisher,
      ),
    ingress: () => ingress.processes(),
    replaceIngress: () => ingress.replace(),
    ca: () => ca.certificate,
    cluster: () => null,
    run: (signal) => certificates.run(signal),
  };
}

function startIngress({ options, paths, surroundings }: SideParts): Promise<IngressSupervisor> {
  const { announcer, log, clock } = surroundings;
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

/** What visitors are served from was made by another version of Steppe: makes it anew. */
async function renew(
  { paths, surroundings: { clock, log } }: SideParts,
  { store, images }: ReturnType<SideParts["contents"]>,
): Promise<void> {
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

function listening(ingress: IngressSupervisor): { http: string; https: string } {
  const { http, https } = ingress.addresses;
  return { http: `http://${formatListenAddress(http)}`, https: `https://${formatListenAddress(https)}` };
}
