import { type Backoff, backoffDelay } from "../shared/backoff.ts";
import type { Clock } from "../shared/clock.ts";
import { SteppeError } from "../shared/errors.ts";
import type { ApiCall } from "../shared/http-api/api-call.ts";
import type { HttpApi } from "../shared/http-api/http-api.ts";
import type { Fields } from "../shared/json/fields.ts";
import { type NomadEvent, readEvent } from "./event.ts";
import { type EventBatch, EventCursor } from "./event-cursor.ts";
import { LATE, orLate } from "./or-late.ts";
import { callOf, type CallOptions } from "./query.ts";
import { streamObjects } from "./stream-objects.ts";

/** What to be told of: all of a topic, or only what has to do with a job, or with whatever else has this id. */
export interface EventTopic {
  topic: "Job" | "Deployment" | "Evaluation" | "Allocation" | "Node";
  key?: string;
}

export type EventStreamItem =
  /** Nothing is known of what was before: ask for all of it, now. First of all, and whenever something may have been missed. */
  | { kind: "resync"; reason: string }
  /** What came of a change. Just after a resync some of it may be older than what was asked for: compare its `modifyIndex`. */
  | { kind: "events"; index: bigint; events: NomadEvent[] };

export interface FollowOptions extends CallOptions {
  topics: readonly EventTopic[];
  clock: Clock;
  /** 0 to 1, for jitter. Default Math.random. */
  random?: (() => number) | undefined;
  /** Ends the stream, which then throws its reason. */
  signal: AbortSignal;
  /** Told whenever a connection was not to be had or was lost, and how often in a row. True: another is made after a pause. False: the stream throws the error. */
  onFailure: (error: unknown, failures: number) => boolean;
}

export const EVENT_STREAM_DEFAULTS = {
  /** The pauses after failures, milliseconds. */
  backoff: { first: 250, most: 15_000 },
  /** After a reconnection the last event comes again within milliseconds; if it has not within so many, Nomad does not have it any more. */
  settleMs: 2000,
  /** Nomad sends `{}` every 30 s, be there anything or not. */
  times: { idle: 75_000 },
  /** The longest line, bytes: all events of one change. */
  mostBytes: 32 * 1024 * 1024,
} as const satisfies { backoff: Backoff; settleMs: number; times: object; mostBytes: number };

const PURPOSE = { operation: "follow", subject: "Nomad's events" } as const;

/**
 * Yields every change once, in their order, over as many connections as it takes: https://developer.hashicorp.com/nomad/api-docs/events. Whoever is slow is waited for
 * until Nomad's buffer has gone on without them (100 changes, unless the servers are told otherwise): then there is a resync.
 */
export async function* followEvents(
  api: HttpApi,
  options: FollowOptions,
): AsyncGenerator<EventStreamItem, never, void> {
  const { clock, random, signal } = options;
  const cursor = new EventCursor();
  for (let failures = 0; ;) {
    try {
      for await (const item of overConnection(api, options, cursor)) {
        if (item.kind === "events") failures = 0;
        yield item;
      }
    } catch (error) {
      signal.throwIfAborted();
      failures++;
      if (!options.onFailure(error, failures)) throw error;
    }
    await clock.sleep(backoffDelay(EVENT_STREAM_DEFAULTS.backoff, failures, random), { signal });
  }
}

/** What comes over one connection. Always ends with an error. */
async function* overConnection(
  api: HttpApi,
  options: FollowOptions,
  cursor: EventCursor,
): AsyncGenerator<EventStreamItem, never, void> {
  const call = streamCall(options, cursor.last);
  using answer = await api.open(call);
  if (cursor.last === undefined) yield resync("the stream begins");
  else cursor.reconnect();
  const batches = streamObjects(api, call, answer, EVENT_STREAM_DEFAULTS.mostBytes, readBatch);
  const ms = cursor.isCertain ? undefined : EVENT_STREAM_DEFAULTS.settleMs;
  for await (const batch of orLate(batches, options.clock, ms)) {
    if (batch === LATE) yield* settle(cursor);
    else if (batch !== undefined) yield* take(cursor, batch);
  }
  throw new SteppeError("NOMAD_UNREACHABLE", { ...PURPOSE, cause: `${api.server} ended the stream` });
}

function* settle(cursor: EventCursor): Generator<EventStreamItem, void, void> {
  if (cursor.isCertain) return;
  cursor.settle();
  yield resync(`Nomad does not have change ${cursor.last} any more`);
}

function* take(cursor: EventCursor, batch: EventBatch): Generator<EventStreamItem, void, void> {
  const before = cursor.last;
  const { hasGap, events } = cursor.take(batch);
  if (hasGap) yield resync(`change ${batch.index} came after ${before}`);
  if (events.length > 0) yield { kind: "events", index: batch.index, events };
}

function streamCall(options: FollowOptions, last: bigint | undefined): ApiCall {
  const topic = options.topics.map(({ topic, key }) => (key === undefined ? topic : `${topic}:${key}`));
  const query = { topic, ...(last === undefined ? {} : { index: String(last) }) };
  const { times } = EVENT_STREAM_DEFAULTS;
  return callOf({ ...PURPOSE, method: "GET", path: ["v1", "event", "stream"], query, times }, options);
}

/** Undefined of a line that only says that the connection lives. Throws ShapeError. */
function readBatch(fields: Fields): EventBatch | undefined {
  if (!fields.has("Index")) return undefined;
  return { index: fields.index("Index"), events: fields.objects("Events").map(readEvent) };
}

function resync(reason: string): EventStreamItem {
  return { kind: "resync", reason };
}
