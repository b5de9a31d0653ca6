import { parseLength } from "../../shared/http/header-fields.ts";
import type { HttpAnswer } from "../../shared/http/transport.ts";
import { TransportError } from "../../shared/http/transport-error.ts";
import type { Descriptor } from "../oci-manifest.ts";
import { DigestCheck } from "./digest.ts";
import { parseContentRange } from "./header-fields.ts";
import { formatReference, type ImageReference } from "./reference.ts";
import { connectionError, nonsense, type Purpose } from "./registry-errors.ts";
import type { RegistrySession } from "./registry-session.ts";
import { repositoryScope } from "./scopes.ts";

interface PullOptions {
  signal?: AbortSignal | undefined;
}

/**
 * A blob as a stream, in bounded memory. Every byte goes into the digest; what came is not to be trusted before the stream has ended without an
 * error. A stream that breaks off is taken up again where it was.
 * Throws REGISTRY_ANSWER_INVALID if it is not of that size and digest; IMAGE_NOT_FOUND; what requests throw.
 */
export async function* pullBlob(
  session: RegistrySession,
  { registry, repository }: ImageReference,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  { signal }: PullOptions = {},
): AsyncGenerator<Buffer, void, void> {
  const purpose = { operation: "pull", subject: formatReference({ registry, repository, digest }) };
  const check = new DigestCheck(digest);
  let done = 0;
  for (let failures = 0; ;) {
    using answer = await ask(session, repository, digest, done, { purpose, signal });
    const failed = checkHead(answer, done, size);
    if (failed !== undefined) throw nonsense(purpose, answer.url.host, failed);
    const begin = done;
    try {
      // A server that knows no ranges sends all of it again.
      for await (const chunk of without(answer.status === 200 ? done : 0, answer.body())) {
        if (done + chunk.length > size)
          throw nonsense(purpose, answer.url.host, `it sends more than the ${size} bytes of it`);
        done += chunk.length;
        check.update(chunk);
        yield chunk;
      }
      if (done < size) throw new TransportError(`it ended after ${done} of ${size} bytes`);
      break;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      // Only the end of a chunked body was lost: the digest says whether it is sound.
      if (done === size) break;
      failures = done > begin ? 1 : failures + 1;
      const { retry, clock } = session.exchange.options;
      if (failures >= retry.attempts) throw connectionError(purpose, answer.url.host, error);
      await clock.sleep(session.exchange.delay(failures), { signal });
    }
  }
  const found = check.digest();
  if (found !== digest) throw nonsense(purpose, registry, `the content is ${found}, ${done} bytes`);
}

function ask(
  session: RegistrySession,
  repository: string,
  digest: string,
  from: number,
  options: { purpose: Purpose; signal: AbortSignal | undefined },
): Promise<HttpAnswer> {
  return session.send({
    ...options,
    method: "GET",
    target: `/v2/${repository}/blobs/${digest}`,
    scopes: [repositoryScope(repository, "pull")],
    headers: from === 0 ? {} : { range: `bytes=${from}-` },
    repeatable: true,
    expect: from === 0 ? [200] : [200, 206],
  });
}

/** What is wrong with the head of an answer, if something is. */
function checkHead(answer: HttpAnswer, from: number, size: number): string | undefined {
  const encoding = answer.field("content-encoding") ?? "identity";
  if (encoding !== "identity") return `it sends the content encoded (${encoding}), which was not asked for`;
  const range =
    answer.status === 206 ? parseContentRange(answer.field("content-range")) : { first: 0, last: size - 1, size };
  const first = answer.status === 206 ? from : 0;
  if (range?.first !== first || (range.size ?? size) !== size) {
    return `it sends another part than was asked for (${answer.field("content-range") ?? "no Content-Range"})`;
  }
  const length = parseLength(answer.headers["content-length"]);
  if (length === undefined || length === range.last + 1 - first) return undefined;
  return `it has ${first + length} bytes in place of ${size}`;
}

async function* without(count: number, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  let left = count;
  for await (const chunk of chunks) {
    const skipped = Math.min(left, chunk.length);
    left -= skipped;
    if (skipped < chunk.length) yield chunk.subarray(skipped);
  }
}
