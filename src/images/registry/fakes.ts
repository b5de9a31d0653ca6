import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { type Answerer, fakeServer, type FakeServer, type Seen } from "../../../test/support/fake-server.ts";
import { ImpatientClock } from "../../../test/support/impatient-clock.ts";
import { RegistryClient, type RegistryClientOptions } from "./registry-client.ts";

export { type Answerer, fakeServer, type FakeServer, type Seen } from "../../../test/support/fake-server.ts";
export { ImpatientClock, whileTimePasses } from "../../../test/support/impatient-clock.ts";

/** A client without a will of its own: it does not wait, and jitter is none. */
export function testClient(options: Partial<RegistryClientOptions> = {}): {
  client: RegistryClient;
  clock: ImpatientClock;
} {
  const clock = new ImpatientClock();
  return { client: new RegistryClient({ clock, random: () => 0.5, ...options }), clock };
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function digestOf(content: string | Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** A registry in memory that does what the specification says, where the test does not interfere. */
export interface FakeRegistry extends FakeServer {
  /** By digest. */
  blobs: Map<string, Buffer>;
  /** By tag and by digest. */
  manifests: Map<string, { content: Buffer; mediaType: string }>;
}

/**
 * @param interfere true if it has answered, or will not answer
 * @param headers of the answer that begins an upload
 */
export async function fakeRegistry(
  interfere: (seen: Seen, response: ServerResponse) => boolean = () => false,
  headers: Readonly<Record<string, string>> = {},
): Promise<FakeRegistry> {
  const blobs = new Map<string, Buffer>();
  const manifests: FakeRegistry["manifests"] = new Map();
  const uploads = new Map<string, Buffer>();
  const answer: Answerer = (seen, response) => {
    if (interfere(seen, response)) return;
    const { pathname, searchParams } = new URL(seen.target, "http://registry");
    const [, kind, name = ""] = /^\/v2\/[a-z0-9/]+\/(manifests|blobs\/uploads|blobs)\/(.*)$/.exec(pathname) ?? [];
    if (pathname === "/v2/") response.end("{}");
    else if (kind === "manifests") answerManifest(seen, response, manifests, name);
    else if (kind === "blobs") answerBlob(response, blobs.get(name));
    else if (kind === "blobs/uploads") answerUpload({ seen, response, uploads, blobs, name, searchParams, headers });
    else response.writeHead(404).end();
  };
  const server = await fakeServer(answer);
  return { ...server, blobs, manifests };
}

function answerManifest(
  { method, headers, body }: Seen,
  response: ServerResponse,
  manifests: FakeRegistry["manifests"],
  name: string,
): void {
  if (method === "PUT") {
    const manifest = { content: body, mediaType: headers["content-type"] ?? "" };
    manifests.set(name, manifest).set(digestOf(body), manifest);
    response.writeHead(201, { location: "/", "docker-content-digest": digestOf(body) }).end();
    return;
  }
  const found = manifests.get(name);
  if (found === undefined) {
    const errors = [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }];
    response.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify({ errors }));
    return;
  }
  const length = String(found.content.length);
  response.setHeader("docker-content-digest", digestOf(found.content));
  response.writeHead(200, { "content-type": found.mediaType, "content-length": length }).end(found.content);
}

function answerBlob(response: ServerResponse, content: Buffer | undefined): void {
  if (content === undefined) response.writeHead(404).end();
  else response.writeHead(200, { "content-length": String(content.length) }).end(content);
}

interface UploadRequest {
  seen: Seen;
  response: ServerResponse;
  uploads: Map<string, Buffer>;
  blobs: Map<string, Buffer>;
  name: string;
  searchParams: URLSearchParams;
  headers: Readonly<Record<string, string>>;
}

function answerUpload({ seen, response, uploads, blobs, name, searchParams, headers }: UploadRequest): void {
  if (seen.method === "POST") {
    const id = `u${uploads.size}`;
    uploads.set(id, Buffer.alloc(0));
    // Relative, and with a query that is not to be touched.
    response.writeHead(202, { location: `/v2/r/blobs/uploads/${id}?_state=a%2Fb==`, ...headers }).end();
    return;
  }
  const had = uploads.get(name);
  if (had === undefined || searchParams.get("_state") !== "a/b==") {
    response.writeHead(404).end('{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}');
    return;
  }
  const content = Buffer.concat([had, seen.body]);
  uploads.set(name, content);
  const place = {
    location: `/v2/r/blobs/uploads/${name}?_state=a%2Fb==`,
    range: `0-${Math.max(0, content.length - 1)}`,
  };
  if (seen.method !== "PUT") {
    response.writeHead(seen.method === "GET" ? 204 : 202, place).end();
    return;
  }
  const digest = searchParams.get("digest") ?? "";
  if (digestOf(content) !== digest) {
    response
      .writeHead(400)
      .end('{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}');
    return;
  }
  blobs.set(digest, content);
  response.writeHead(201, { location: "/", "docker-content-digest": digest }).end();
}
