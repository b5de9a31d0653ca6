import { parseJson } from "../../../src/shared/json/parse-json.ts";
import type { ClusterRecording, Exchange, StateChange } from "./cluster-recording.ts";
import { isMutation } from "./mutation.ts";
import { afterDeed } from "./recorded-time.ts";
import { isLookedAt } from "./state-key.ts";

/** Whoever changes something in Consul sees it with the next question: what the recorder learned so long after is put there. */
const OWN_WRITE_MS = 100;
/** Of the services of an agent, which are looked at and not waited for, and which only changes make others. */
const OWN_SERVICE_MS = 1000;

/**
 * The recorder learns of a change a moment after it was made. Puts what it learned at the moment from which whoever asks would be told: of Nomad no later than when anybody was
 * told of that change or a later one; what a change led to at once, and no index tells of, no later than its answer. What was answered out of its order is left out.
 */
export function settleTimes(recorded: ClusterRecording): ClusterRecording {
  const recording = { ...recorded, exchanges: spaced(recorded.exchanges.toSorted((a, b) => a.from - b.from)) };
  const changes = recording.exchanges.filter(isMutation);
  const known = new KnownIndexes(recording, changes);
  const states = recording.states.toSorted((a, b) => a.at - b.at);
  const last = new Map<string, { at: number; index: bigint }>();
  const settled = states.map((state) => {
    const id = `${state.asked} ${state.key}`;
    const before = last.get(id) ?? { at: 0, index: -1n };
    const content = contentIndex(state, recording.texts);
    const index = content !== undefined && content > before.index ? content : BigInt(state.index ?? "0");
    const isTold = state.asked === "nomad" && index > before.index;
    const since = isTold ? known.firstAt(index) : seenSince(state, changes);
    const at = Math.max(before.at, Math.min(state.at, since));
    last.set(id, { at, index: content ?? before.index });
    return { ...state, at };
  });
  const lines = recording.lines.map((line) => ({ ...line, at: Math.min(line.at, known.firstAt(BigInt(line.index))) }));
  return {
    ...recording,
    states: inOrder(settled.toSorted((a, b) => a.at - b.at)),
    lines: lines.toSorted((a, b) => a.at - b.at),
  };
}

/** No two changes in the same moment: what came of the one is not to be seen before the other is made. */
function spaced(exchanges: readonly Exchange[]): Exchange[] {
  let last = -1;
  return exchanges.map((exchange) => {
    if (!isMutation(exchange)) return exchange;
    const from = (last = Math.max(exchange.from, last + 1));
    return { ...exchange, from, to: Math.max(exchange.to, from + 1) };
  });
}

/** When what is as new as an index of Nomad's could be seen at the latest. */
class KnownIndexes {
  /** By index, with the earliest time for that or a later one. */
  readonly #first: Array<{ index: bigint; at: number }>;
  readonly #made = new Map<bigint, number>();

  constructor({ lines, texts }: ClusterRecording, changes: readonly Exchange[]) {
    const known = lines.map(({ index, at }) => ({ index: BigInt(index), at }));
    for (const change of changes) {
      const index = answeredIndex(change, texts);
      if (index === undefined) continue;
      this.#made.set(index, afterDeed(change));
      // What is older was there before; whoever made the change may have waited for it.
      known.push({ index, at: change.to }, { index: index - 1n, at: change.from });
    }
    known.sort((a, b) => Number(b.index - a.index));
    let earliest = Infinity;
    this.#first = known.map(({ index, at }) => ({ index, at: (earliest = Math.min(earliest, at)) })).toReversed();
  }

  /** What a change made is seen from that change on: others were made at the same time. */
  firstAt(index: bigint): number {
    return this.#made.get(index) ?? this.#first.find((one) => one.index >= index)?.at ?? Infinity;
  }
}

function answeredIndex({ asked, status, text }: Exchange, texts: readonly string[]): bigint | undefined {
  if (asked !== "nomad" || status !== 200) return undefined;
  const answer = parseJson(texts[text] ?? "null") as { Index?: bigint | number } | null;
  return answer?.Index === undefined ? undefined : BigInt(answer.Index);
}

/** The newest change that an answer of Nomad's tells of. Of a job that is when it was registered: that it came to run is a change of it as well. */
function contentIndex({ asked, status, text, key }: StateChange, texts: readonly string[]): bigint | undefined {
  if (asked !== "nomad" || status !== 200) return undefined;
  const fields = /^\/v1\/job\/[^/]+$/.test(key) ? /"JobModifyIndex":(\d+)/g : /"(?:Job)?ModifyIndex":(\d+)/g;
  const found = [...(texts[text] ?? "").matchAll(fields)].map(([, index = "0"]) => BigInt(index));
  return found.length === 0 ? undefined : found.reduce((most, index) => (index > most ? index : most));
}

/** When whoever made a change would see it in a state that came of it, and whose index does not tell: of Consul's, and of what Nomad has of a job that is made anew. */
function seenSince({ at, asked, key }: StateChange, changes: readonly Exchange[]): number {
  if (asked !== "consul" && asked !== "nomad") return Infinity;
  const ms = isLookedAt(asked, key) ? OWN_SERVICE_MS : OWN_WRITE_MS;
  const change = changes.findLast((one) => one.asked === asked && at > one.from && at <= one.to + ms);
  return change === undefined ? Infinity : afterDeed(change);
}

/** Each state once, and none after a later one. */
function inOrder(states: readonly StateChange[]): StateChange[] {
  const last = new Map<string, StateChange>();
  return states.filter((state) => {
    const id = `${state.asked} ${state.key}`;
    const before = last.get(id);
    if (before !== undefined && isNoNews(before, state)) return false;
    last.set(id, state);
    return true;
  });
}

function isNoNews(before: StateChange, state: StateChange): boolean {
  if (state.index !== undefined && before.index !== undefined && BigInt(state.index) < BigInt(before.index))
    return true;
  return state.text === before.text && state.index === before.index && state.status === before.status;
}
