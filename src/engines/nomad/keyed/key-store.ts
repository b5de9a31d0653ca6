import { SteppeError } from "../../../shared/errors.ts";
import type { KeyedParts } from "./keyed-parts.ts";

/** What a key holds, and as of which change. */
export interface KeyContent {
  value: string;
  modifyIndex: bigint;
}

/** Somebody may write the key at the same moment, but not again and again. */
const TRIES = 5;

/** What a key holds; undefined if there is none. */
export async function readKey(
  { kv }: Pick<KeyedParts["consul"], "kv">,
  key: string,
  signal?: AbortSignal,
): Promise<KeyContent | undefined> {
  const { value: entry } = await kv.get(key, { signal });
  return entry === undefined ? undefined : { value: entry.value.toString("utf8"), modifyIndex: entry.modifyIndex };
}

/**
 * Writes a key in place of what it was found to hold, null if there was none. What somebody else wrote since stays.
 *
 * @returns what it holds then
 */
export async function replaceKey(
  consul: Pick<KeyedParts["consul"], "kv">,
  key: string,
  { from, to }: { from: string | null; to: string },
  signal?: AbortSignal,
): Promise<string | null> {
  let there = from;
  const decide = (found: string | null): string | undefined => {
    there = found === from ? to : found;
    return found === from ? to : undefined;
  };
  await changeKey(consul, key, decide, signal);
  return there;
}

/**
 * Replaces what a key holds, or takes it away, as long as `decide` says so of what is there; whoever writes at the same moment is not overwritten unread. An answer that was lost is asked for:
 * what was written is there.
 *
 * @param decide what it shall hold, null for no key; undefined leaves it as it is
 */
export async function changeKey(
  { kv }: Pick<KeyedParts["consul"], "kv">,
  key: string,
  decide: (found: string | null) => string | null | undefined,
  signal?: AbortSignal,
): Promise<void> {
  let failure: unknown;
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await readKey({ kv }, key, signal);
    const wanted = decide(found?.value ?? null);
    if (wanted === undefined || wanted === (found?.value ?? null)) return;
    const cas = found?.modifyIndex ?? 0n;
    try {
      failure = undefined;
      const change = { cas, signal };
      if (wanted === null ? await kv.delete(key, change) : await kv.put(key, wanted, change)) return;
    } catch (error) {
      signal?.throwIfAborted();
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  throw new SteppeError("CONSUL_REFUSED", {
    operation: "set the key",
    subject: key,
    cause: `somebody else changed it each of ${TRIES} times`,
    hint: "See who else writes it: an old deployer that still runs?",
  });
}
