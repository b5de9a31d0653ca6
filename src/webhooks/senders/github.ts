import * as z from "zod";
import { field, type Reading, type SenderAdapter } from "./adapter.ts";
import { readPackage } from "./github-package.ts";
import { fullRef, isNoObject, refHint, toTime } from "./make-hint.ts";
import { parseAs } from "./parse-body.ts";
import { verifyHexSignature } from "./proofs.ts";

const repository = z.object({
  clone_url: z.string().nullish(),
  ssh_url: z.string().nullish(),
  html_url: z.string().nullish(),
  pushed_at: z.union([z.number(), z.string()]).nullish(),
});

const push = z.object({
  ref: z.string(),
  after: z.string().nullish(),
  deleted: z.boolean().nullish(),
  head_commit: z.object({ id: z.string() }).nullish(),
  repository,
});

const create = z.object({ ref: z.string(), ref_type: z.string(), repository });

/**
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads A new tag comes as `push` and as `create`; neither comes when more
 * than three tags are pushed at once. It waits for ten seconds and sends nothing again by itself.
 */
export const github: SenderAdapter = {
  sender: "github",
  proof: "body",
  isStubborn: () => false,
  verify: (delivery, secret) => verifyHexSignature(delivery, secret, "x-hub-signature-256", "sha256="),
  read(json, headers) {
    const event = field(headers, "x-github-event");
    const eventId = field(headers, "x-github-delivery");
    switch (event) {
      case "push":
        return readPush(parseAs(push, json), eventId);
      case "create":
        return readCreate(parseAs(create, json), eventId);
      case "package":
      case "registry_package":
        return readPackage(json, eventId);
      default:
        return { nothing: event === "" ? "the event is not named" : `the event is ${event.slice(0, 60)}` };
    }
  },
};

function readPush({ ref, after, deleted, head_commit, repository }: z.output<typeof push>, eventId: string): Reading {
  if (deleted === true || isNoObject(after)) return { nothing: "a ref was deleted" };
  // Of an annotated tag, `after` is the tag's own object.
  const commit = head_commit?.id ?? after;
  return { hints: [refHint({ ...whereOf(repository), ref, commit, eventId })] };
}

function readCreate({ ref, ref_type: type, repository }: z.output<typeof create>, eventId: string): Reading {
  const full = fullRef(type, ref);
  if (full === undefined) return { nothing: `what was created is a ${type.slice(0, 60)}` };
  return { hints: [refHint({ ...whereOf(repository), ref: full, commit: null, eventId })] };
}

function whereOf(said: z.output<typeof repository>): {
  repositoryUrls: Array<string | null | undefined>;
  at: number | null;
} {
  return { repositoryUrls: [said.clone_url, said.ssh_url, said.html_url], at: toTime(said.pushed_at) };
}
