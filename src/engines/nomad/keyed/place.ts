import { SteppeError } from "../../../shared/errors.ts";
import type { KeyedAttempt } from "../../../store/index.ts";
import type { EngineContext, ReleaseSpec } from "../../engine.ts";
import { type TaggedImage, imageTag } from "./image-tag.ts";
import { readKey } from "./key-store.ts";
import { readKeyedJob, type KeyedJob } from "./keyed-job.ts";
import { compatibleOf, type KeyedParts } from "./keyed-parts.ts";

/**
 * Makes sure of all that can be known before the key is written: that the job is there and takes its tag from it, and that the registry has the image, since a tag that does not exist takes
 * all instances down. Nothing on the cluster is changed. Throws CONFIG_INVALID, NOMAD_NOT_FOUND, TAG_REFUSED, IMAGE_NOT_FOUND.
 */
export async function placeKeyed(
  parts: KeyedParts,
  release: ReleaseSpec,
  { signal, note }: Pick<EngineContext, "signal" | "note">,
): Promise<void> {
  signal.throwIfAborted();
  const { table, consul } = parts;
  const { key } = compatibleOf(release);
  const image = imageTag(release);
  requireOwnTag(release, image);
  await findJob(parts, release, signal);
  const found = await readKey(consul, key, signal);
  const { live = null, attempt = null } = table.get(release.app) ?? {};
  if (live?.key === key && live.tag === image.tag && live.image !== release.image && found?.value === image.tag) {
    const cause = `${image.tag} was moved to another image, and ${key} has ${image.tag} already: nothing would restart`;
    throw tagRefused(release, cause, "Push the image under a new tag.");
  }
  await requireImage(parts, release, image, { signal, note });
  const left = leftOf(attempt, key);
  const known = left?.tag ?? live?.tag;
  if (live?.key === key && found !== undefined && found.value !== known) {
    note(`${key} has ${found.value}, which Steppe did not write; it had written ${known}`);
  }
  const write = { release: release.number, image: release.image, key, tag: image.tag };
  const placed = { ...write, stage: "placed", former: null, starts: {}, expected: 0, left, failure: null } as const;
  table.set(release.app, { live, attempt: placed });
}

/** What a deployment before left in the key that could not be taken back. */
function leftOf(last: KeyedAttempt | null, key: string): KeyedAttempt["left"] {
  if (last === null || last.key !== key || last.stage === "undone") return null;
  return last.stage === "written" ? { tag: last.tag, former: last.former } : last.left;
}

/** The job of a release. Throws NOMAD_NOT_FOUND if there is none, or it was stopped; CONFIG_INVALID. */
export async function findJob({ nomad }: KeyedParts, release: ReleaseSpec, signal?: AbortSignal): Promise<KeyedJob> {
  const compatible = compatibleOf(release);
  const { value: job } = await nomad.jobs.read(compatible.job, { signal });
  if (job !== undefined && !job.isStopped) return readKeyedJob(job, compatible);
  throw new SteppeError("NOMAD_NOT_FOUND", {
    operation: "deploy",
    subject: `${release.app} by the job ${compatible.job}`,
    cause: job === undefined ? "Nomad has no such job" : "it is stopped",
    hint: `Register it: \`nomad job run\`; or name another by \`compatible.job\`. Steppe only writes ${compatible.key}.`,
  });
}

function requireOwnTag(release: ReleaseSpec, { repository, tag }: TaggedImage): void {
  const own = release.definition.image?.repository;
  if (repository !== own) {
    throw tagRefused(release, `it is of ${repository}, and its job takes tags of ${own}`, `Push it to ${own}.`);
  }
  if (tag === "latest") throw tagRefused(release, "the tag `latest` never deploys: it does not say what it is");
}

async function requireImage(
  parts: KeyedParts,
  { app }: ReleaseSpec,
  { repository, tag, digest }: TaggedImage,
  { signal, note }: Pick<EngineContext, "signal" | "note">,
): Promise<void> {
  const found = await parts.resolve(`${repository}:${tag}`, signal);
  if (found === undefined) {
    const subject = `${app} image ${repository}:${tag}`;
    throw new SteppeError("IMAGE_NOT_FOUND", { operation: "deploy", subject, cause: "the registry has no such image" });
  }
  if (found !== digest) note(`${tag} stands for another image now than when this release was made`);
}

function tagRefused({ app, number }: ReleaseSpec, cause: string, hint?: string): SteppeError {
  return new SteppeError("TAG_REFUSED", { operation: "deploy", subject: `${app} release ${number}`, cause, hint });
}
