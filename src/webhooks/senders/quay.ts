import * as z from "zod";
import { Malformed, type SenderAdapter } from "./adapter.ts";
import { imageHint } from "./make-hint.ts";
import { parseAs } from "./parse-body.ts";
import { verifyPath } from "./proofs.ts";

/** Some versions send the tags as the keys of an object. */
const notification = z.object({
  docker_url: z.string(),
  updated_tags: z.union([z.array(z.string()).max(1000), z.record(z.string(), z.unknown())]).optional(),
});

/**
 * https://docs.quay.io/guides/notifications.html It tells neither digest nor id nor time: the same body comes each time that a tag is
 * pushed, so one that came before is no duplicate.
 */
export const quay: SenderAdapter = {
  proof: "path",
  isStubborn: () => false,
  verify: verifyPath,
  read(json) {
    const { docker_url: url, updated_tags: said } = parseAs(notification, json);
    if (said === undefined) return { nothing: "it is no push" };
    const slash = url.indexOf("/");
    if (slash === -1) throw new Malformed("docker_url: has no repository");
    const tags = Array.isArray(said) ? said : Object.keys(said);
    if (tags.length === 0) return { nothing: "no tag was updated" };
    const image = { registry: url.slice(0, slash), repository: url.slice(slash + 1), digest: null, eventId: null };
    return { hints: tags.map((tag) => imageHint({ ...image, tag, at: null })) };
  },
};
