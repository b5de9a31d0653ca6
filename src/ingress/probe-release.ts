import type { BodyRange, CoreHost, FileBodies, FileSender } from "../site-server/index.ts";
import type { ServingTable } from "./serving-table.ts";
import type { SiteIndexes } from "./site-indexes.ts";
import type { ProbeAnswer, ProbeRequest } from "./snapshot/index.ts";

/** How much of a body is looked through for a text. */
const LOOKED_THROUGH = 1 << 20;
/** How much of a body goes into the answer, for messages. */
const HEAD_BYTES = 2 << 10;

/** What a probe is answered by: the code that answers visitors. */
export interface Probing {
  table: ServingTable;
  indexes: SiteIndexes;
  core: CoreHost;
  files: FileSender;
  bodies: FileBodies;
}

/**
 * Answers a request from a release that is placed, by the same code that answers visitors, and reads the body from the disk.
 * Rejects if the release is not there, or the body cannot be read.
 */
export async function probeRelease(request: ProbeRequest, probing: Probing): Promise<Omit<ProbeAnswer, "process">> {
  const { status, headers, page, range } = answer(request, probing);
  const body = range === undefined ? page : await firstBytes(range, probing.bodies);
  return {
    status,
    headers,
    head: body.toString("utf8", 0, HEAD_BYTES),
    contained: request.contains === null || body.includes(request.contains),
  };
}

interface Answered {
  status: number;
  headers: Record<string, string>;
  /** The built-in page, if it is one. */
  page: Buffer;
  range: BodyRange | undefined;
}

function answer(request: ProbeRequest, { table, indexes, core, files }: Probing): Answered {
  const release = table.probed(request.app, request.release);
  if (release === undefined) throw new Error(`release ${request.release} of ${request.app} is not placed`);
  const site = indexes.get(release.index);
  const head = Buffer.from(`GET ${request.path} HTTP/1.1\r\nHost: ${request.host}\r\n\r\n`);
  core.tick(Date.now());
  const used = core.parse(0, core.take(head, 0));
  if (used === head.length) core.respond(site, 0);
  else core.respondStatus(used < 0 ? -used : 400, 0);
  const text = core.answer.head;
  const end = text.indexOf("\r\n\r\n");
  return {
    status: core.answer.status,
    headers: fieldsOf(text.slice(0, end)),
    page: Buffer.from(text.slice(end + 4), "latin1"),
    range: core.answer.bytes === 0 ? undefined : files.range(site),
  };
}

/** The fields of a head, by their names in it. */
function fieldsOf(head: string): Record<string, string> {
  const lines = head.split("\r\n").slice(1);
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}

async function firstBytes(range: BodyRange, bodies: FileBodies): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const first = { ...range, size: Math.min(range.size, LOOKED_THROUGH) };
  for await (const chunk of bodies.chunks(first)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
