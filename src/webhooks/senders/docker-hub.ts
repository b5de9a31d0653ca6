import * as z from "zod";
import type { SenderAdapter } from "./adapter.ts";
import { imageHint, toTime } from "./make-hint.ts";
import { parseAs } from "./parse-body.ts";
import { verifyPath } from "./proofs.ts";

/**
 * https://docs.docker.com/docker-hub/repos/manage/webhooks/ It tells no digest and no id, calls up to six times for one push of an
 * image of many platforms, and the time may be a fraction. `callback_url` is never read: whoever knows the address could send any.
 */
const push = z.object({
  push_data: z.object({ tag: z.string(), pushed_at: z.union([z.number(), z.string()]).nullish() }),
  repository: z.object({ repo_name: z.string() }),
});

export const dockerHub: SenderAdapter = {
  proof: "path",
  isStubborn: () => false,
  verify: verifyPath,
  read(json) {
    const { push_data: data, repository } = parseAs(push, json);
    return {
      hints: [
        imageHint({
          registry: "docker.io",
          repository: repository.repo_name,
          tag: data.tag,
          digest: null,
          eventId: null,
          at: toTime(data.pushed_at),
        }),
      ],
    };
  },
};
