import { field, otherEvent, type SenderAdapter } from "./adapter.ts";
import { readCreate, readPush } from "./git-events.ts";
import { readPackage } from "./github-package.ts";
import { verifyHexSignature } from "./proofs.ts";

/**
 * https://docs.github.com/en/webhooks/webhook-events-and-payloads A new tag comes as `push` and as `create`; neither comes when more
 * than three tags are pushed at once. It waits for ten seconds and sends nothing again by itself.
 */
export const github: SenderAdapter = {
  proof: "body",
  isStubborn: () => false,
  verify: (delivery, secret) => verifyHexSignature(delivery, secret, "x-hub-signature-256", "sha256="),
  read(json, headers) {
    const event = field(headers, "x-github-event");
    const eventId = field(headers, "x-github-delivery");
    switch (event) {
      case "push":
        return readPush(json, eventId);
      case "create":
        return readCreate(json, eventId);
      case "package":
      case "registry_package":
        return readPackage(json, eventId);
      default:
        return otherEvent(event);
    }
  },
};
