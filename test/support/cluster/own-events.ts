import { parseJson } from "../../../src/shared/json/parse-json.ts";
import { writeJson } from "../../../src/shared/json/write-json.ts";

interface Line {
  Events?: unknown[];
}

/**
 * A line of the event stream with the events of some jobs alone; undefined if there are none. After a restart Nomad tells all over again what happened since its last snapshot, also
 * to jobs of others.
 */
export function ownEvents(text: string, jobs: readonly string[]): string | undefined {
  const line = parseJson(text) as Line;
  const own = (line.Events ?? []).filter((event) => {
    const written = writeJson(event);
    return jobs.some((job) => written.includes(`"${job}"`));
  });
  return own.length === 0 ? undefined : writeJson({ ...line, Events: own });
}
