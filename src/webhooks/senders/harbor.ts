import * as z from "zod";
import { Malformed, type Reading, type SenderAdapter } from "./adapter.ts";
import { imageHint, saysDigest, toTime } from "./make-hint.ts";
import { parseAs } from "./parse-body.ts";
import { verifyAuthorization } from "./proofs.ts";

const eventData = z.object({
  resources: z
    .array(z.object({ digest: z.string().nullish(), tag: z.string().nullish(), resource_url: z.string().nullish() }))
    .max(1000),
  repository: z.object({ repo_full_name: z.string() }),
});

const kind = z.object({ type: z.string(), specversion: z.string().optional() });
const plain = z.object({ occur_at: z.number().nullish(), event_data: eventData });
const cloudEvent = z.object({ id: z.string().nullish(), time: z.string().nullish(), data: eventData });

const PUSHES = new Set(["PUSH_ARTIFACT", "harbor.artifact.pushed"]);

/**
 * https://goharbor.io/docs/edge/working-with-projects/project-configuration/configure-webhooks/ in both of its formats. `tag` holds the
 * digest of what was pushed without a tag. The plain format has no id: time, digest and tag together are one.
 */
export const harbor: SenderAdapter = {
  proof: "header",
  isStubborn: () => false,
  verify: verifyAuthorization,
  read(json) {
    const { type, specversion } = parseAs(kind, json);
    if (!PUSHES.has(type)) return { nothing: `the event is ${type}, not a push` };
    if (specversion !== undefined) {
      const { id, time, data } = parseAs(cloudEvent, json);
      return readResources(data, id ?? "", toTime(time));
    }
    const { occur_at: at, event_data: data } = parseAs(plain, json);
    return readResources(data, at === null || at === undefined ? "" : `at ${at}`, toTime(at));
  },
};

function readResources(data: z.output<typeof eventData>, id: string, at: number | null): Reading {
  const tagged = data.resources.filter(({ tag }) => (tag ?? "") !== "" && !saysDigest(tag));
  if (tagged.length === 0) return { nothing: "nothing was tagged" };
  return {
    hints: tagged.map(({ digest, tag, resource_url: url }) => {
      const slash = url?.indexOf("/") ?? -1;
      if (slash === -1) throw new Malformed("resource_url: names no registry");
      return imageHint({
        registry: url?.slice(0, slash) ?? "",
        repository: data.repository.repo_full_name,
        tag,
        digest,
        eventId: id === "" ? null : `${id} ${digest} ${tag}`,
        at,
      });
    }),
  };
}
