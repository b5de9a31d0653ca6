import { isOwnerKey } from "../job/job-owner.ts";

/** A job or a service. */
interface WithMeta {
  Meta?: Record<string, string> | null | undefined;
  CanaryMeta?: unknown;
}

/** Without the meta by which a Steppe knew the job as its own: it is that Steppe's, and of one release. */
export function withoutOwner<Part extends WithMeta>(part: Part): Part {
  return { ...part, ...without("Meta", part.Meta), ...without("CanaryMeta", part.CanaryMeta) };
}

function without(name: string, meta: unknown): object {
  if (typeof meta !== "object" || meta === null) return {};
  return { [name]: Object.fromEntries(Object.entries(meta).filter(([key]) => !isOwnerKey(key))) };
}
