/** Says what is wrong with a fragment: the path below it, and what. */
export type Refuse = (path: string, problem: string) => never;

/**
 * Puts a fragment over a part of a job: maps are merged, lists are added to, and anything else takes the place of what is there; null takes it away. Neither is changed.
 *
 * @param base the part as Steppe makes it
 * @param isOwn whether Steppe alone says what is at this path
 */
export function mergeFragment<Part extends object>(
  base: Part,
  fragment: Readonly<Record<string, unknown>>,
  { isOwn, refuse, path = "" }: { isOwn: (path: string) => boolean; refuse: Refuse; path?: string },
): Part {
  const merged = new Map<string, unknown>(Object.entries(base));
  for (const [key, value] of Object.entries(fragment)) {
    const here = path === "" ? key : `${path}.${key}`;
    if (isOwn(here)) refuse(here, "is what Steppe says");
    const other = [...merged.keys()].find((known) => known !== key && known.toLowerCase() === key.toLowerCase());
    // Nomad would take either for the other, in no order that one could know.
    if (other !== undefined && isStruct(path)) refuse(here, `is written \`${other}\``);
    const was = merged.get(key);
    if (value === null && holdsOwn(was, here, isOwn)) refuse(here, "holds what Steppe says, and cannot be taken away");
    if (value === null) merged.delete(key);
    else if (was === undefined || was === null) merged.set(key, withoutNulls(value));
    else if (isMap(was)) {
      if (!isMap(value)) refuse(here, "should be a map");
      else merged.set(key, mergeFragment(was, value, { isOwn, refuse, path: here }));
    } else if (Array.isArray(was)) {
      if (!Array.isArray(value)) refuse(here, "should be a list");
      else merged.set(key, [...(was as unknown[]), ...(value as unknown[])]);
    } else if (isMap(value) || Array.isArray(value)) refuse(here, "should be one value");
    else merged.set(key, value);
  }
  return Object.fromEntries(merged) as Part;
}

/** Whether something that Steppe alone says is below. */
function holdsOwn(value: unknown, path: string, isOwn: (path: string) => boolean): boolean {
  if (!isMap(value)) return false;
  return Object.entries(value).some(
    ([key, inner]) => isOwn(`${path}.${key}`) || holdsOwn(inner, `${path}.${key}`, isOwn),
  );
}

/** Below these, the names are the user's or a driver's own, and `a` is another than `A`. */
function isStruct(path: string): boolean {
  return !/(^|\.)(Config|Env|Meta|CanaryMeta|Header)(\.|$)/.test(path);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What takes away something that is not there takes away nothing. */
function withoutNulls(value: unknown): unknown {
  if (!isMap(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)]));
}
