import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { AppDefinition } from "../../../config/index.ts";
import type { ReleaseSpec } from "../../engine.ts";

/** Whose a job is: what its meta says, so that Steppe knows its own and notices what somebody else changed. */
export interface JobOwner {
  app: string;
  release: number;
  /** The image's digest. */
  image: string;
  /** What the job was made of: see `definitionHash`. */
  definition: string;
}

/** In Nomad an environment has the meta as well, so names are those of variables. */
const KEYS = {
  app: "steppe_app",
  release: "steppe_release",
  image: "steppe_image",
  tag: "steppe_tag",
  definition: "steppe_definition",
  attempt: "steppe_attempt",
} as const;

/**
 * The meta of a release's job. It differs from release to release even where nothing else does: of a job that is registered unchanged Nomad makes no deployment, even if
 * its last one failed. The tag is for people, and for what a task fetches by itself:
 * `${NOMAD_META_steppe_tag}`.
 *
 * @param attempt how often this release was placed before, for the same reason
 */
export function ownerMeta(release: ReleaseSpec, attempt: number): Record<string, string> {
  const { app, number, image, tag, definition } = release;
  return {
    [KEYS.app]: app,
    [KEYS.release]: String(number),
    [KEYS.image]: image,
    ...(tag === undefined ? {} : { [KEYS.tag]: tag }),
    [KEYS.definition]: definitionHash(definition),
    ...(attempt === 0 ? {} : { [KEYS.attempt]: String(attempt) }),
  };
}

/** Whose a job with this meta is; undefined if it is none of Steppe's. */
export function readOwner(meta: Readonly<Record<string, string>>): JobOwner | undefined {
  const { [KEYS.app]: app, [KEYS.release]: release = "", [KEYS.image]: image, [KEYS.definition]: definition } = meta;
  if (app === undefined || image === undefined || definition === undefined) return undefined;
  return /^[1-9][0-9]{0,14}$/.test(release) ? { app, release: Number(release), image, definition } : undefined;
}

/** How often a job's release had been placed before, by its meta. */
export function attemptOf(meta: Readonly<Record<string, string>>): number {
  const attempt = meta[KEYS.attempt] ?? "0";
  return /^[0-9]{1,9}$/.test(attempt) ? Number(attempt) : 0;
}

/** Whether a key of a job's meta is Steppe's own. */
export function isOwnerKey(key: string): boolean {
  return Object.values<string>(KEYS).includes(key);
}

/**
 * The fields that definitions got after jobs had been registered with hashes of them, by their paths (`run.count`), and what they are where nobody says anything. With that they are
 * left out: else no job that runs would be known any more after an upgrade.
 */
const ADDED: ReadonlyMap<string, unknown> = new Map();

/** Names a definition by what it says, whatever the order of its fields. */
export function definitionHash(definition: AppDefinition, added = ADDED): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(definition, "", added)))
    .digest("hex")
    .slice(0, 32);
}

function sorted(value: unknown, path: string, added: ReadonlyMap<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((item) => sorted(item, `${path}[]`, added));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([key, inner]): Array<[string, unknown]> => {
    const at = path === "" ? key : `${path}.${key}`;
    const isUsual = added.has(at) && isDeepStrictEqual(inner, added.get(at));
    return isUsual ? [] : [[key, sorted(inner, at, added)]];
  });
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}
