import { field } from "./senders/adapter.ts";
import type { HeaderFields } from "./types.ts";

/** What a body is understood by, and its id. None of these proves the sender: what does is never kept. */
const KEPT = [
  "content-encoding",
  "content-type",
  "user-agent",
  "idempotency-key",
  "webhook-id",
  "x-forgejo-delivery",
  "x-forgejo-event",
  "x-gitea-delivery",
  "x-gitea-event",
  "x-github-delivery",
  "x-github-event",
  "x-gitlab-event",
  "x-gitlab-event-uuid",
] as const;

const LONGEST = 300;

/** The header fields that are kept of a delivery. */
export function keptHeaders(headers: HeaderFields): Record<string, string> {
  const kept = KEPT.map((name) => [name, field(headers, name).slice(0, LONGEST)] as const);
  return Object.fromEntries(kept.filter(([, value]) => value !== ""));
}
