import { isDeepStrictEqual } from "node:util";
import type { AppDefinition } from "../config/index.ts";
import type { EngineContext, ReleaseSpec } from "../engines/engine.ts";
import { SteppeError } from "../shared/errors.ts";
import { AppTable, type ReleaseRow, ReleaseTable } from "../store/index.ts";
import { AppMarks } from "./app-marks.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import { claimDomains } from "./domains.ts";
import { buildImage, pullImage, pushImage } from "./content-steps.ts";
import { shortDigest } from "./format.ts";
import { failDeployment } from "./fail-deployment.ts";
import type { Gates } from "./gates.ts";
import type { Journal } from "./journal.ts";
import { isMadeAlike } from "./redeployment.ts";
import { liveSpec, releaseGone, releaseOf } from "./release-of.ts";
import { STOPPING } from "./stopping.ts";
import { unattended } from "./unattended.ts";
import type { HostPlaces } from "../shared/host-places.ts";
import type { Semaphore } from "../shared/semaphore.ts";
import type { Deployment, DeploymentSource } from "./types.ts";

/** Whatever else is live is made anew from where it came. */
const OLD_IMAGE =
  "what is live was made of a folder, which is not here any more: how its site is served, and where its image is, changes when the folder is deployed again";
const NO_REDIRECT =
  "`redirectToHttps` does nothing on a cluster, whose visitors connect to Fabio: it redirects where a tag of `nomad.service` says so";

export interface RunContext {
  dependencies: DeployerDependencies;
  journal: Journal;
  gates: Gates;
  /** Bounds how many builds run at once. */
  builds: Semaphore;
  /** Bounds how many images of each registry are pulled, or pushed as they are built, at once. */
  pulls: HostPlaces;
  /** The same of images that stay in their registry, as on a cluster, so that no more of them than manifest and config is read. */
  looks: HostPlaces;
  /** Aborted when a rollback waits for the end of this: see `EngineContext`. */
  hurry: AbortSignal;
  /** A deployment waits for promotion from now on, or no more. */
  awaitsPromotion(id: number, waits: boolean): void;
  signal: AbortSignal;
  /** Aborted when Steppe is told to stop, whatever else ends this deployment. */
  stopping: AbortSignal;
}

/**
 * Takes a deployment from whatever state the journal has it in to its end. Every step may have been taken
 * already, wholly or in part, by a process that died: each is one that can be taken again. What is held when it was built is left there.
 */
export async function runDeployment(id: number, context: RunContext): Promise<void> {
  const { journal, gates, signal } = context;
  const { error: left = null, finishedAt = null } = journal.get(id) ?? {};
  // It failed, and the process in which it did was not there to the end of that.
  if (left !== null && finishedAt === null) return await failDeployment(id, SteppeError.fromJSON(left), context);
  try {
    for (;;) {
      signal.throwIfAborted();
      const deployment = journal.get(id);
      if (deployment === undefined || deployment.finishedAt !== null || !gates.admit(deployment)) return;
      await step(deployment, context);
    }
  } catch (error) {
    if (signal.aborted && signal.reason === STOPPING) return;
    if (!signal.aborted && waitForOthers(id, error, context)) return;
    await failDeployment(id, signal.aborted ? signal.reason : error, context);
  }
}

/** Whether what failed is tried again later, since a registry or the cluster was away: its tag is seen, so that no poll would find it again. */
function waitForOthers(id: number, thrown: unknown, { journal, gates }: RunContext): boolean {
  const deployment = journal.get(id);
  if (deployment === undefined || !(thrown instanceof SteppeError)) return false;
  if (!gates.away.begin(deployment, thrown)) return false;
  // What is built stays so: it is only to be pushed.
  if (deployment.state === "building")
    journal.enter(id, "queued", `could not be ${deployment.source.kind === "image" ? "pulled" : "pushed"}`);
  gates.admit(journal.get(id) ?? deployment);
  return true;
}

function step(deployment: Deployment, context: RunContext): Promise<void> {
  switch (deployment.state) {
    case "queued":
      return begin(deployment, context);
    case "building":
      return makeImage(deployment, context);
    case "built":
      return release(deployment, context);
    case "released":
      return place(deployment, context);
    case "placed":
      return checkHealth(deployment, context);
    case "healthy":
      return route(deployment, context);
    default:
      throw new Error(`deployment ${deployment.id} has ended: ${deployment.state}`);
  }
}

async function begin(deployment: Deployment, context: RunContext): Promise<void> {
  const { journal, dependencies } = context;
  const { id, app, source } = deployment;
  if (source.kind === "rollback") {
    const release = new ReleaseTable(dependencies.store).get(app, source.release);
    if (release === undefined || !dependencies.content.hasImage(release.image)) throw releaseGone(app, source.release);
    journal.enter(id, "released", `release ${release.number}, ${describeImage(release.image)}`, {
      release: release.number,
      image: release.image,
    });
  } else if (source.kind === "ref") {
    journal.enter(id, "building", definitionOf(deployment, context).build === null ? "reading the site" : "building");
  } else if (source.kind === "image") {
    journal.enter(id, "building", `${dependencies.isCluster ? "looking at" : "pulling"} ${source.reference}`);
  } else if (source.kind === "upload") {
    journal.enter(id, "built", describeImage(source.image), { image: source.image });
  } else {
    beginDefinition(deployment, context);
  }
}

/** Of what is live now: what was when it was asked for may have been replaced since. */
function beginDefinition(deployment: Deployment, context: RunContext): void {
  const { journal, dependencies } = context;
  const { id, app } = deployment;
  const live = liveSpec(app, dependencies);
  const definition = definitionOf(deployment, context);
  if (live === undefined) {
    const { image } = definition;
    const first =
      image === null ? "Push a tag" : `Push an image to ${image.repository} under a new tag, or a tag of git`;
    throw new SteppeError("DEPLOYMENT_FAILED", {
      operation: "deploy",
      subject: `the changed definition of ${app}`,
      cause: "nothing of it is live",
      hint: `${first}: it is deployed with the changed definition.`,
    });
  }
  if (isDeepStrictEqual(live.definition, definition)) {
    const made = { image: live.image, release: live.number };
    const urls = dependencies.urls(live.definition);
    journal.enter(id, "live", `release ${live.number} has the changed definition already`, made, { urls });
    return;
  }
  if (dependencies.isCluster && !isMadeAlike(live.definition, definition, true)) journal.note(id, OLD_IMAGE);
  journal.enter(id, "built", describeImage(live.image), { image: live.image });
}

function makeImage(deployment: Deployment, context: RunContext): Promise<void> {
  const definition = definitionOf(deployment, context);
  const { source } = deployment;
  if (source.kind === "ref") return buildImage(deployment, source, definition, context);
  if (source.kind === "image") return pullImage(deployment, source, definition, context);
  throw new Error(`deployment ${deployment.id} makes no image`);
}

/** What was built is pushed before its release is made, if the app says where: what is live can be had from the registry. */
async function release(deployment: Deployment, context: RunContext): Promise<void> {
  const { journal, dependencies } = context;
  const { id, app, image, source } = deployment;
  if (image === null) throw new Error(`deployment ${id} is built, but has no image`);
  if (source.kind === "ref" || source.kind === "upload")
    await pushImage(id, source, image, definitionOf(deployment, context), context);
  // A push may take long: a window may have closed meanwhile.
  if (!context.gates.admit(journal.get(id) ?? deployment)) return;
  dependencies.store.transaction(() => {
    const releases = new ReleaseTable(dependencies.store);
    const number = releases.insert({
      app,
      image,
      definition: definitionOf(deployment, context),
      ...originOf(app, source, dependencies),
      deployment: id,
      createdAt: dependencies.clock.now(),
    });
    journal.enter(id, "released", `release ${number}`, { release: number });
  });
}

async function place(deployment: Deployment, runContext: RunContext): Promise<void> {
  const { journal, dependencies } = runContext;
  const release = releaseOf(deployment, dependencies);
  claimDomains(dependencies.store, release.app, release.definition.domains);
  if (dependencies.isCluster && release.definition.redirectToHttps) journal.note(deployment.id, NO_REDIRECT);
  await dependencies.ensureCertificates(release.definition.domains);
  await dependencies.engine.place(release, engineContext(deployment, runContext));
  journal.enter(deployment.id, "placed", "placed");
}

async function checkHealth(deployment: Deployment, runContext: RunContext): Promise<void> {
  const { journal, dependencies } = runContext;
  const release = releaseOf(deployment, dependencies);
  const context = engineContext(deployment, runContext);
  // Again, if the process that placed it died since; what is there already waits for no others.
  await dependencies.engine.place(release, { ...context, isUrgent: true });
  await dependencies.engine.awaitHealthy(release, context);
  journal.enter(deployment.id, "healthy", "healthy");
}

async function route(deployment: Deployment, runContext: RunContext): Promise<void> {
  const { journal, dependencies } = runContext;
  const { store, engine } = dependencies;
  const release = releaseOf(deployment, dependencies);
  const context = engineContext(deployment, runContext);
  await engine.route(deployment.noGrace ? withoutGrace(release) : release, context);
  const urls = dependencies.urls(release.definition);
  store.transaction(() => {
    new AppTable(store).setLiveRelease(release.app, release.number);
    new AppMarks(store, "encode").set(release.app, release.number);
    claimDomains(store, release.app, []); // lets go of those that only the release before served
    new AppMarks(store, "retiring").set(release.app, deployment.id);
    journal.enter(deployment.id, "live", urls.length === 0 ? "live" : `routed: ${urls.join(" ")}`, {}, { urls });
  });
  await engine.retire(release, context);
  new AppMarks(store, "retiring").done(release.app, deployment.id);
}

/** Takes the last step of a deployment that is live once more, since a process before this one did not come to its end. */
export async function finishRetirement(app: string, id: number, runContext: RunContext): Promise<void> {
  const { journal, dependencies, signal } = runContext;
  const deployment = journal.get(id);
  try {
    const live = liveSpec(app, dependencies);
    // Old deployments are forgotten: whose the last step was is not known then, and that it is over is all that counts.
    if (deployment !== undefined && live !== undefined && live.number === deployment.release)
      await dependencies.engine.retire(live, engineContext(deployment, runContext));
    new AppMarks(dependencies.store, "retiring").done(app, id);
  } catch (error) {
    if (signal.aborted && signal.reason === STOPPING) return;
    await failDeployment(id, error, runContext);
  }
}

/** The engine leaves as much reachable of what was before as the definition that it routes says. */
function withoutGrace(release: ReleaseSpec): ReleaseSpec {
  return { ...release, definition: { ...release.definition, graceMs: 0 } };
}

function definitionOf(deployment: Deployment, { dependencies }: RunContext): AppDefinition {
  const app = new AppTable(dependencies.store).get(deployment.app);
  if (app === undefined) {
    throw new SteppeError("APP_NOT_FOUND", {
      operation: "deploy",
      subject: deployment.app,
      cause: "there is no such app",
    });
  }
  return app.definition;
}

/** Where a release's content came from; a changed definition keeps the origin of what is live. */
function originOf(
  app: string,
  source: DeploymentSource,
  dependencies: DeployerDependencies,
): Pick<ReleaseRow, "ref" | "commit" | "reference"> {
  if (source.kind === "ref") return { ref: source.ref, commit: source.commit, reference: null };
  if (source.kind === "image") return { ref: null, commit: null, reference: source.reference };
  const live = source.kind === "definition" ? liveSpec(app, dependencies) : undefined;
  const row = live && new ReleaseTable(dependencies.store).get(app, live.number);
  return { ref: row?.ref ?? null, commit: row?.commit ?? null, reference: row?.reference ?? null };
}

function engineContext({ id, app, source }: Deployment, context: RunContext): EngineContext {
  const { journal, dependencies, signal, hurry, awaitsPromotion } = context;
  const told = {
    signal,
    hurry,
    progress: (message: string) => journal.tell(id, "progress", message),
    note: (message: string) => journal.note(id, message),
  };
  // Who goes back was asked enough, and wants it at once.
  if (source.kind === "rollback") {
    const isFormer = journal.wasLive(app, source.release);
    return { ...unattended(app, dependencies, signal), ...told, isFormer };
  }
  return { ...told, awaitsPromotion: (waits) => awaitsPromotion(id, waits) };
}

function describeImage(digest: string): string {
  return `image ${shortDigest(digest)}`;
}
