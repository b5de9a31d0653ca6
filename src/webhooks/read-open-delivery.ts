import { readDelivery } from "./judge-delivery.ts";
import type { SenderAdapter } from "./senders/adapter.ts";
import type { Delivery, Hint, ImageHint, Judgement } from "./types.ts";

/**
 * What a delivery says that nothing proves: no more than that some tag of these repositories may have changed. Docker Hub's name of a repository has no registry, and whoever sent its body in its
 * place meant the app's own.
 *
 * @param repositories with their registries
 */
export function readOpenDelivery(
  adapter: SenderAdapter,
  delivery: Delivery,
  repositories: readonly string[],
): Judgement {
  // A script that sends in Docker Hub's place seldom says that its body is JSON.
  const judgement = readDelivery(adapter, { ...delivery, headers: {} });
  if (judgement.verdict !== "accepted") return judgement;
  const hints = judgement.hints.flatMap((hint) => meant(hint, repositories));
  if (hints.length > 0) return { verdict: "accepted", hints, reason: null };
  return { verdict: "ignored", hints: [], reason: "it tells of another repository than those of this path" };
}

function meant(hint: Hint, repositories: readonly string[]): ImageHint[] {
  if (hint.kind !== "image") return [];
  return repositories.flatMap((full) => {
    const slash = full.indexOf("/");
    const [registry, repository] = [full.slice(0, slash), full.slice(slash + 1)];
    const isMeant = hint.repository === repository || hint.repository === full;
    return isMeant ? [{ ...hint, registry, repository }] : [];
  });
}
