import type { FileAnswer, FileAnswerer, PackBodies } from "../site-server/index.ts";
import type { ServingTable } from "./serving-table.ts";
import type { ProbeAnswer, ProbeRequest } from "./snapshot/index.ts";

/** How much of a body is looked through for a text. */
const LOOKED_THROUGH = 1 << 20;
/** How much of a body goes into the answer, for messages. */
const HEAD_BYTES = 2 << 10;

/**
 * Answers a request from a release that is placed, by the same code that answers visitors, and reads the body from the disk.
 * Rejects if the release is not there, or the body cannot be read.
 */
export async function probeRelease(
  request: ProbeRequest,
  table: ServingTable,
  answerer: FileAnswerer,
  bodies: PackBodies,
): Promise<Omit<ProbeAnswer, "process">> {
  const site = table.probed(request.app, request.release);
  if (site === undefined) throw new Error(`release ${request.release} of ${request.app} is not placed`);
  const asked = { method: "GET", target: request.path, headers: { host: request.host }, now: Date.now() };
  const answer = answerer.answer(asked, site);
  const body = await firstBytes(answer, bodies);
  return {
    status: answer.status,
    headers: answer.headers,
    head: body.toString("utf8", 0, HEAD_BYTES),
    contained: request.contains === null || body.includes(request.contains),
  };
}

async function firstBytes({ body }: FileAnswer, bodies: PackBodies): Promise<Buffer> {
  if (body.kind === "none") return Buffer.alloc(0);
  if (body.kind === "bytes") return Buffer.from(body.bytes);
  const range = { ...body.range, size: Math.min(body.range.size, LOOKED_THROUGH) };
  const chunks: Buffer[] = [];
  for await (const chunk of bodies.chunks(range)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
