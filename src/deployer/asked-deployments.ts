import type { SourceTree } from "../builds/index.ts";
import { formatReference } from "../images/index.ts";
import { SteppeError } from "../shared/errors.ts";
import { nearest } from "../shared/nearest.ts";
import { type AppRow, ReleaseTable } from "../store/index.ts";
import type { AppRegistry } from "./app-registry.ts";
import { deployableImage, latestRefused } from "./deployable-image.ts";
import type { DeployerDependencies } from "./dependencies.ts";
import { imageSource } from "./image-source.ts";
import type { ImageWatch } from "./image-watch.ts";
import type { Journal } from "./journal.ts";
import { liveTag } from "./policy/live-tag.ts";
import type { RefWatch } from "./ref-watch.ts";
import type { Scheduler } from "./scheduler.ts";
import type { DeployOptions, Deployment, LookUpOptions } from "./types.ts";

interface Parts {
  dependencies: DeployerDependencies;
  registry: AppRegistry;
  journal: Journal;
  scheduler: Scheduler;
  refs: RefWatch;
  images: ImageWatch;
  lifetime: AbortSignal;
}

type Ref = { tag: string } | { branch: string };

/** Queues what a person asks for by name, whatever the app's patterns say. */
export class AskedDeployments {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** See `Deployer.deployRef`. */
  async ref(name: string, ref: Ref, { signal, ...options }: LookUpOptions): Promise<Deployment> {
    const { registry, refs, scheduler } = this.#parts;
    const { sources, store } = this.#parts.dependencies;
    const { definition } = registry.get(name);
    if ("tag" in ref && ref.tag === "latest") throw latestRefused("deploy", `${name} tag latest`);
    const fullName = "tag" in ref ? `refs/tags/${ref.tag}` : `refs/heads/${ref.branch}`;
    await refs.fetch(definition);
    // Not to be deployed once more by the next poll. What else came with it is that one's.
    const look = definition.repository === null ? undefined : await sources.look(definition, liveTag(name, store));
    const commit = await sources.resolve(name, fullName);
    if (commit === undefined) throw await this.#refNotFound(name, ref);
    registry.get(name); // it may have been removed meanwhile
    signal?.throwIfAborted();
    return scheduler.enqueue(name, { kind: "ref", ref: fullName, commit }, options, () => {
      if (look !== undefined) sources.markSeen(name, look, fullName);
    });
  }

  /** See `Deployer.deployImage`. */
  async image(name: string, reference: string, { signal, ...options }: LookUpOptions): Promise<Deployment> {
    const { dependencies, registry: apps, images, scheduler, lifetime } = this.#parts;
    const { definition } = apps.get(name);
    const { isCluster } = dependencies;
    const { parsed, isOwn } = deployableImage(definition, reference, { operation: "deploy", isCluster });
    using registry = await dependencies.registry.open();
    const either = signal === undefined ? lifetime : AbortSignal.any([lifetime, signal]);
    const digest = await registry.resolve(formatReference(parsed), either);
    if (digest === undefined) throw imageNotFound(name, formatReference(parsed));
    apps.get(name); // it may have been removed meanwhile
    signal?.throwIfAborted();
    const source = imageSource(formatReference({ ...parsed, digest }));
    return scheduler.enqueue(name, source, options, () => {
      // Not to be deployed once more by the next poll; a digest that was given says nothing of the tag.
      if (isOwn && parsed.tag !== undefined && parsed.digest === undefined)
        images.markSeen(name, definition.image?.repository ?? "", parsed.tag, digest);
    });
  }

  /** See `Deployer.deployUpload`. */
  async upload(name: string, tree: SourceTree, options: DeployOptions): Promise<Deployment> {
    const { dependencies, registry, scheduler, lifetime } = this.#parts;
    const { definition } = registry.get(name);
    const { content } = dependencies;
    using _hold = content.hold();
    const image = await content.build({
      definition: { ...definition, build: null, dockerfile: null, folder: "." },
      deployment: 0,
      tree,
      label: tree.label,
      sending: () => Promise.resolve({ [Symbol.dispose]() {} }),
      signal: lifetime,
      onLine() {},
      progress() {},
    });
    registry.get(name); // it may have been removed meanwhile
    return scheduler.enqueue(name, { kind: "upload", image: image.digest }, options);
  }

  /** See `Deployer.rollback`. */
  rollback(name: string, release: number | undefined, options: DeployOptions): Deployment {
    const { dependencies, registry, scheduler } = this.#parts;
    const app = registry.get(name);
    const releases = new ReleaseTable(dependencies.store);
    const target = release ?? this.#releaseBefore(app, releases);
    if (releases.get(name, target) === undefined) {
      throw new SteppeError("RELEASE_NOT_FOUND", {
        operation: "roll back",
        subject: `${name} to release ${target}`,
        cause: "there is no such release, or it is not kept any more",
        hint: `\`steppe releases ${name}\` lists the releases that are kept.`,
      });
    }
    return scheduler.enqueue(name, { kind: "rollback", release: target }, options);
  }

  /** The newest release before the live one that was live itself. */
  #releaseBefore({ name, liveRelease }: AppRow, releases: ReleaseTable): number {
    const switches = this.#parts.journal.table.switches(name, "live");
    const wereLive = new Set(switches.map(({ release }) => release));
    const earlier = releases.ofApp(name).find(({ number }) => number < (liveRelease ?? 0) && wereLive.has(number));
    if (earlier !== undefined) return earlier.number;
    throw new SteppeError("NOTHING_TO_ROLL_BACK", {
      operation: "roll back",
      subject: name,
      cause:
        liveRelease === null ? "nothing of it was live yet" : `no release before ${liveRelease} that was live is kept`,
      hint: `\`steppe releases ${name}\` lists those that are kept; \`steppe rollback ${name} RELEASE\` goes to any of them.`,
    });
  }

  async #refNotFound(name: string, ref: Ref): Promise<SteppeError> {
    const [kind, wanted] = "tag" in ref ? (["tag", ref.tag] as const) : (["branch", ref.branch] as const);
    const close = nearest(wanted, await this.#parts.dependencies.sources.names(name, kind));
    return new SteppeError("TAG_NOT_FOUND", {
      operation: "deploy",
      subject: `${name} ${kind} ${wanted}`,
      cause: `the repository has no such ${kind}`,
      hint: close === undefined ? undefined : `Did you mean ${close}?`,
    });
  }
}

function imageNotFound(app: string, reference: string): SteppeError {
  const subject = `${app} image ${reference}`;
  return new SteppeError("IMAGE_NOT_FOUND", { operation: "deploy", subject, cause: "the registry has no such image" });
}
