import { type AppDefinition, ownTag } from "../config/index.ts";
import { isTag, parseReference } from "../images/index.ts";
import { ImageTagTable } from "../store/index.ts";
import { formatBytes, formatCount, shortDigest } from "./format.ts";
import type { RunContext } from "./run-deployment.ts";
import type { Deployment, DeploymentSource } from "./types.ts";

type RefSource = DeploymentSource & { kind: "ref" };
type ImageSource = DeploymentSource & { kind: "image" };
type PushedSource = DeploymentSource & { kind: "ref" | "upload" };

/** Makes the image of a ref, and journals it; with that, what is going to be pushed is marked as seen. */
export async function buildImage(
  { id, app }: Deployment,
  source: RefSource,
  definition: AppDefinition,
  { journal, dependencies, builds, pulls, signal }: RunContext,
): Promise<void> {
  const label = source.ref.replace(/^refs\/(tags|heads)\//, "");
  using turn = await builds.acquire(signal, () => journal.note(id, "waits for other builds to end"));
  using _hold = dependencies.content.hold();
  const image = await dependencies.content.build({
    definition,
    deployment: id,
    tree: dependencies.sources.tree(app, source.commit, `${app}@${label}`),
    label,
    sending: () => {
      turn[Symbol.dispose](); // a registry that hangs keeps no build waiting
      const { registry } = parseReference(definition.image?.repository ?? "");
      return pulls.acquire(registry, signal, () => journal.note(id, `waits for others to be done with ${registry}`));
    },
    signal,
    onLine: (line) => journal.tell(id, "log", line),
    progress: (message) => journal.tell(id, "progress", message),
  });
  journal.note(id, `built: ${describe(image)}`);
  dependencies.store.transaction(() => {
    markPushed(source, image.digest, definition, dependencies);
    journal.enter(id, "built", `image ${shortDigest(image.digest)}`, { image: image.digest });
  });
}

/** Brings an image of a registry here, or on a cluster looks at it there, and journals it. */
export async function pullImage(
  { id }: Deployment,
  { reference }: ImageSource,
  definition: AppDefinition,
  { journal, dependencies, pulls, looks, signal }: RunContext,
): Promise<void> {
  const { registry } = parseReference(reference);
  using _turn = await (dependencies.isCluster ? looks : pulls).acquire(registry, signal, () =>
    journal.note(id, `waits for others to be done with ${registry}`),
  );
  using _hold = dependencies.content.hold();
  const progress = (message: string): void => journal.tell(id, "progress", message);
  const image = await dependencies.content.pull({ definition, reference, signal, progress });
  journal.note(id, `${dependencies.isCluster ? "found" : "pulled"}: ${describe(image)}`);
  journal.enter(id, "built", `image ${shortDigest(image.digest)}`, { image: image.digest });
}

/** Puts what was built into the app's repository of images, if it belongs there. May have been done already. */
export async function pushImage(
  id: number,
  source: PushedSource,
  digest: string,
  definition: AppDefinition,
  { journal, dependencies, signal }: RunContext,
): Promise<void> {
  const target = pushTarget(source, digest, definition, dependencies);
  if (target === undefined) return;
  if ("refusal" in target) {
    journal.note(id, target.refusal);
    return;
  }
  // Again, since the definition may have got its `image` after the image was built.
  markPushed(source, digest, definition, dependencies);
  const reference = `${target.repository}:${target.tag}`;
  const progress = (message: string): void => journal.tell(id, "progress", message);
  progress(`pushing ${reference}`);
  await dependencies.content.push({ digest, reference, signal, progress });
  new ImageTagTable(dependencies.store).setAsked(
    definition.name,
    target.repository,
    [target.tag],
    dependencies.clock.now(),
  );
  journal.note(id, `pushed: ${reference}`);
}

/**
 * Marks what is pushed, or going to be, as seen: when a hint of it comes, or a poll finds it, there is nothing to do. So it is marked
 * before a registry can know it, and with the journal's line for it.
 */
function markPushed(
  source: PushedSource,
  digest: string,
  definition: AppDefinition,
  dependencies: RunContext["dependencies"],
): void {
  const target = pushTarget(source, digest, definition, dependencies);
  if (target === undefined || "refusal" in target) return;
  const { store, clock } = dependencies;
  const { repository, tag } = target;
  const table = new ImageTagTable(store);
  const now = clock.now();
  if (table.all(definition.name, repository).get(tag)?.digest === digest) return;
  // Never asked for: that it is not in the registry's list does not mean that it is gone.
  table.mark(definition.name, repository, [{ tag, digest, createdAt: now, seenAt: now, askedAt: 0 }]);
}

/**
 * Where what is built is pushed: nowhere, if the app has no `image`; of a tag, under its name. A branch or a folder says nothing by its name: on a cluster, which has no image from
 * elsewhere, it gets a tag of Steppe's own, without which registries would clear it away.
 */
export function pushTarget(
  source: PushedSource,
  digest: string,
  { image }: AppDefinition,
  { isCluster }: Pick<RunContext["dependencies"], "isCluster">,
): { repository: string; tag: string } | { refusal: string } | undefined {
  if (image === null) return undefined;
  const [, name] = source.kind === "ref" ? (/^refs\/tags\/(.*)$/s.exec(source.ref) ?? []) : [];
  const tag = `release-${name}`;
  if (name !== undefined && isTag(tag)) return { repository: image.repository, tag };
  if (isCluster) return { repository: image.repository, tag: ownTag(digest) };
  if (name === undefined) return undefined;
  return {
    refusal: `not pushed: ${tag} cannot be an image's tag, which is letters, digits, "_", "." and "-", 128 at most`,
  };
}

function describe({ files, bytes }: { files: number; bytes: number }): string {
  return files === 0 ? formatBytes(bytes) : `${formatCount(files, "file")}, ${formatBytes(bytes)}`;
}
