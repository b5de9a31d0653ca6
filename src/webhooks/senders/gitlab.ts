import * as z from "zod";
import { sameSecret } from "../../shared/credentials.ts";
import { STANDARD_PREFIX } from "../signing-token.ts";
import type { Delivery } from "../types.ts";
import { field, otherEvent, type SenderAdapter } from "./adapter.ts";
import { readEnvelope } from "./distribution.ts";
import { isNoObject, refHint } from "./make-hint.ts";
import { mediaType, parseAs } from "./parse-body.ts";
import { verifyAuthorization, verifyStandard } from "./proofs.ts";

const text = z.string().nullish();
const event = z.object({ object_kind: text, event_name: text, events: z.unknown().optional() });
const push = z.object({
  ref: z.string(),
  after: text,
  checkout_sha: text,
  project: z.object({ git_http_url: text, git_ssh_url: text, web_url: text }),
});

/**
 * https://docs.gitlab.com/user/project/integrations/webhooks/ and the notifications of its container registry, which are those of CNCF
 * Distribution: many calls for one push, one of them with the tag. If all is refused for long, GitLab turns a webhook off.
 */
export const gitlab: SenderAdapter = {
  proof: "body",
  isStubborn: (headers) =>
    mediaType(field(headers, "content-type")).startsWith("application/vnd.docker.distribution.events"),
  verify,
  read(json, headers) {
    const { object_kind, event_name, events } = parseAs(event, json);
    if (Array.isArray(events)) return readEnvelope(json);
    const kind = object_kind ?? event_name ?? "";
    if (kind !== "push" && kind !== "tag_push") return otherEvent(kind);
    const { ref, after, checkout_sha: commit, project } = parseAs(push, json);
    if (isNoObject(after)) return { nothing: "a ref was deleted" };
    const repositoryUrls = [project.git_http_url, project.git_ssh_url, project.web_url];
    return {
      hints: [refHint({ repositoryUrls, ref, commit: commit ?? after, eventId: eventIdOf(headers), at: null })],
    };
  },
};

/** A secret that is a signing token wants a signature; any other is the secret token, or the header of the registry's endpoint. */
function verify(delivery: Delivery, secret: string): string | undefined {
  if (secret.startsWith(STANDARD_PREFIX)) return verifyStandard(delivery, secret);
  const token = field(delivery.headers, "x-gitlab-token");
  if (token !== "") return sameSecret(token, secret) ? undefined : "the X-Gitlab-Token header is not the right one";
  if (field(delivery.headers, "authorization") !== "") return verifyAuthorization(delivery, secret);
  return "there is no X-Gitlab-Token header, nor an Authorization header as its registry sends";
}

/** The same when it is tried again. X-Gitlab-Event-UUID is shared by webhooks that set each other off, so it comes last. */
function eventIdOf(headers: Delivery["headers"]): string {
  const names = ["webhook-id", "idempotency-key", "x-gitlab-event-uuid"];
  return names.map((name) => field(headers, name)).find((value) => value !== "") ?? "";
}
