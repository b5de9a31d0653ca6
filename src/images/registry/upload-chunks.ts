import { SteppeError } from "../../shared/errors.ts";
import { ByteReader } from "../byte-reader.ts";
import { parseUploadRange } from "./header-fields.ts";
import { nonsense, type Purpose } from "./registry-errors.ts";
import type { RegistrySession } from "./registry-session.ts";
import type { Scope } from "./scopes.ts";

/** An upload that was begun. */
export interface Upload {
  location: URL;
  /** No piece but the last may be smaller, bytes. */
  chunkBytes: number;
}

interface ChunkOptions {
  chunkBytes: number;
  scopes: readonly Scope[];
  purpose: Purpose;
  signal: AbortSignal | undefined;
}

interface ChunkSource {
  size: number;
  content(): AsyncIterable<Uint8Array>;
}

/** How far an upload is. */
interface Progress {
  location: URL;
  /** Bytes that the registry has. */
  done: number;
}

/**
 * Sends content in pieces, in order. After a piece that failed the registry is asked how much it has, and it goes on there.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-a-blob-in-chunks
 * Resolves with the location at which the upload is to be closed.
 */
export async function uploadChunks(
  session: RegistrySession,
  upload: Upload,
  source: ChunkSource,
  options: ChunkOptions,
): Promise<URL> {
  const { retry, clock } = session.exchange.options;
  const chunkBytes = Math.max(options.chunkBytes, upload.chunkBytes);
  const progress: Progress = { location: upload.location, done: 0 };
  // A registry may lose what it had taken: only what it never had is a step forward.
  let furthest = 0;
  for (let failures = 0; progress.done < source.size;) {
    const begin = progress.done;
    try {
      await sendInStep(session, progress, source, { ...options, chunkBytes });
      if (progress.done === begin) throw nothingTaken(options.purpose, progress);
    } catch (error) {
      if (!(error instanceof SteppeError) || error.code !== "REGISTRY_UNREACHABLE") throw error;
      failures = progress.done > furthest ? 1 : failures + 1;
      furthest = Math.max(furthest, progress.done);
      if (failures >= retry.attempts) throw error;
      await clock.sleep(session.exchange.delay(failures), { signal: options.signal });
      await askProgress(session, progress, source.size, options);
    }
  }
  return progress.location;
}

/** Reads the content once, from where the upload is, and sends it as long as the registry takes each piece whole and at the first time. */
async function sendInStep(
  session: RegistrySession,
  progress: Progress,
  source: ChunkSource,
  options: ChunkOptions,
): Promise<void> {
  await using reader = new ByteReader(source.content());
  await reader.skip(progress.done);
  for (let inStep = true; inStep && progress.done < source.size;) {
    const first = progress.done;
    const length = Math.min(options.chunkBytes, source.size - first);
    let uses = 0;
    const body = (): AsyncIterable<Uint8Array> => (uses++ === 0 ? reader.take(length) : slice(source, first, length));
    await sendChunk(session, progress, { length, body }, options);
    inStep = uses === 1 && progress.done === first + length;
  }
}

/** For a piece that is asked for again (after a 429, or with a new token), when the reader is past it. */
async function* slice(source: ChunkSource, first: number, length: number): AsyncGenerator<Uint8Array, void, void> {
  await using reader = new ByteReader(source.content());
  await reader.skip(first);
  yield* reader.take(length);
}

async function sendChunk(
  session: RegistrySession,
  progress: Progress,
  { length, body }: { length: number; body: () => AsyncIterable<Uint8Array> },
  { scopes, purpose, signal }: ChunkOptions,
): Promise<void> {
  const { location, done: first } = progress;
  const end = first + length;
  using answer = await session.send({
    method: "PATCH",
    target: location,
    scopes,
    purpose,
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(length),
      "content-range": `${first}-${end - 1}`,
    },
    body,
    repeatable: false,
    expect: [202],
    signal,
  });
  const done = parseUploadRange(answer.field("range")) ?? end;
  if (done > end || done < first) {
    throw nonsense(purpose, answer.url.host, `it has ${done} bytes of an upload of which ${end} were sent`);
  }
  progress.location = session.address(answer.field("location"), answer.url, purpose);
  progress.done = done;
}

async function askProgress(
  session: RegistrySession,
  progress: Progress,
  size: number,
  { scopes, purpose, signal }: ChunkOptions,
): Promise<void> {
  const request = { method: "GET" as const, target: progress.location, scopes, purpose, repeatable: true, signal };
  using answer = await session.send({ ...request, expect: [204] });
  const done = parseUploadRange(answer.field("range")) ?? 0;
  if (done > size) throw nonsense(purpose, answer.url.host, `it has ${done} bytes of an upload of ${size}`);
  const next = answer.field("location");
  if (next !== undefined) progress.location = session.address(next, answer.url, purpose);
  progress.done = done;
}

function nothingTaken(purpose: Purpose, { location, done }: Progress): SteppeError {
  const cause = `${location.host}: it took nothing of what was sent after ${done} bytes`;
  return new SteppeError("REGISTRY_UNREACHABLE", { ...purpose, cause });
}
