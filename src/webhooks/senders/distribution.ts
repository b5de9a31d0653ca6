import * as z from "zod";
import { Malformed, type Reading, type SenderAdapter } from "./adapter.ts";
import { imageHint, toTime } from "./make-hint.ts";
import { parseAs } from "./parse-body.ts";
import { verifyAuthorization } from "./proofs.ts";

const envelope = z.object({ events: z.array(z.unknown()).max(10_000) });

const event = z.object({
  id: z.string().nullish(),
  timestamp: z.string().nullish(),
  action: z.string(),
  target: z
    .object({
      digest: z.string().nullish(),
      repository: z.string().nullish(),
      tag: z.string().nullish(),
      url: z.string().nullish(),
    })
    .nullish(),
  request: z.object({ host: z.string().nullish() }).nullish(),
});

/**
 * https://distribution.github.io/distribution/about/notifications/ One event or many. What is pushed without a tag are layers, and
 * manifests that another names. An event that cannot be read does not keep the others from being.
 */
export function readEnvelope(json: unknown): Reading {
  const { events } = parseAs(envelope, json);
  const hints = [];
  const reasons = new Set<string>();
  let malformed: Malformed | undefined;
  for (const one of events) {
    try {
      const reading = readEvent(one);
      if (typeof reading === "string") reasons.add(reading);
      else hints.push(reading);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      malformed = error;
    }
  }
  if (hints.length > 0) return { hints };
  if (malformed !== undefined) throw malformed;
  return { nothing: reasons.size === 0 ? "no event is in it" : [...reasons].slice(0, 5).join(", ") };
}

/** A hint, or why there is nothing to do. */
function readEvent(json: unknown): ReturnType<typeof imageHint> | string {
  const { id, timestamp, action, target, request } = parseAs(event, json);
  if (action !== "push") return `the action is ${action}, not push`;
  const tag = target?.tag ?? "";
  if (tag === "") return "nothing was tagged";
  return imageHint({
    registry: (request?.host ?? "") || hostOf(target?.url ?? ""),
    repository: target?.repository ?? "",
    tag,
    digest: target?.digest,
    eventId: id,
    at: toTime(timestamp),
  });
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

/** Whatever is not answered with 2xx or 3xx is sent again for ever, in order, with all that came after it behind it in memory. */
export const distribution: SenderAdapter = {
  proof: "header",
  isStubborn: () => true,
  verify: verifyAuthorization,
  read: readEnvelope,
};
