import * as z from "zod";
import type { HeaderFields } from "../types.ts";
import { field, Malformed, otherEvent, type Reading, type SenderAdapter } from "./adapter.ts";
import { readCreate, readPush } from "./git-events.ts";
import { imageHint, saysDigest, toTime } from "./make-hint.ts";
import { parseAs } from "./parse-body.ts";
import { verifyHexSignature } from "./proofs.ts";

const text = z.string().nullish();
const owner = z.object({ login: text, username: text });
const packageEvent = z.object({
  action: z.string(),
  package: z.object({
    type: z.string(),
    name: z.string(),
    version: z.string(),
    html_url: text,
    created_at: text,
    owner,
  }),
});

/**
 * https://docs.gitea.com/usage/repository/webhooks and https://forgejo.org/docs/latest/user/webhooks/ The signature's headers are there,
 * and empty, even if no secret is set. Nothing is sent again.
 */
export const gitea: SenderAdapter = {
  proof: "body",
  isStubborn: () => false,
  verify(delivery, secret) {
    // Where both are, they are the same; a wrong one of Forgejo's is not made good by the other.
    const isForgejo = delivery.headers["x-forgejo-signature"] !== undefined;
    return verifyHexSignature(delivery, secret, isForgejo ? "x-forgejo-signature" : "x-gitea-signature", "");
  },
  read(json, headers) {
    const event = either(headers, "event");
    const eventId = either(headers, "delivery");
    switch (event) {
      case "push":
        return readPush(json, eventId);
      case "create":
        return readCreate(json, eventId);
      case "package":
        return readPackage(parseAs(packageEvent, json), eventId);
      default:
        return otherEvent(event);
    }
  },
};

/** A manifest that another names is a version of its own, named after its digest. */
function readPackage({ action, package: said }: z.output<typeof packageEvent>, eventId: string): Reading {
  if (action !== "created") return { nothing: `the package was ${action}` };
  if (said.type !== "container") return { nothing: `the package is of the type ${said.type}` };
  if (saysDigest(said.version)) return { nothing: "nothing was tagged" };
  const url = said.html_url ?? "";
  if (!URL.canParse(url)) throw new Malformed("package.html_url: names no registry");
  const name = said.owner.login ?? said.owner.username ?? "";
  return {
    hints: [
      imageHint({
        registry: new URL(url).host,
        repository: `${name}/${said.name}`.toLowerCase(),
        tag: said.version,
        digest: null,
        eventId,
        at: toTime(said.created_at),
      }),
    ],
  };
}

/** Forgejo sends its own headers besides Gitea's. */
function either(headers: HeaderFields, name: string): string {
  return field(headers, `x-forgejo-${name}`) || field(headers, `x-gitea-${name}`);
}
