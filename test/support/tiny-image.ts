import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

const OCI = "application/vnd.oci.image";

/** A blob, and what a manifest says of it. */
export interface Blob {
  content: Buffer;
  descriptor: { mediaType: string; digest: string; size: number };
}

export const digestOf = (content: Uint8Array | string): string =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`;

function blob(mediaType: string, content: Buffer): Blob {
  return { content, descriptor: { mediaType: `${OCI}.${mediaType}`, digest: digestOf(content), size: content.length } };
}

/** A layer with one file, `/www/index.html`, and what its config calls it. */
export async function pageLayer(page: string): Promise<{ layer: Blob; diffId: string }> {
  const archive = pack();
  archive.entry({ name: "www/index.html", mtime: new Date(0) }, page);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  const tar = Buffer.concat(chunks);
  return { layer: blob("layer.v1.tar+gzip", gzipSync(tar)), diffId: digestOf(tar) };
}

/** An image of one layer, made at a time: another time is another image. */
export function tinyImage({ layer, diffId }: { layer: Blob; diffId: string }, createdAt: number) {
  const config = blob(
    "config.v1+json",
    Buffer.from(
      JSON.stringify({
        created: new Date(createdAt).toISOString(),
        architecture: "amd64",
        os: "linux",
        rootfs: { type: "layers", diff_ids: [diffId] },
      }),
    ),
  );
  const mediaType = `${OCI}.manifest.v1+json`;
  const manifest = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType, config: config.descriptor, layers: [layer.descriptor] }),
  );
  return { config, layer, manifest, mediaType, digest: digestOf(manifest) };
}

/** Puts a blob into a repository of a registry that lets everybody. */
export async function putBlob(host: string, repository: string, { content, descriptor }: Blob): Promise<void> {
  const base = `http://${host}/v2/${repository}`;
  const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
  const place = new URL(begun.headers.get("location") ?? "", base);
  place.searchParams.set("digest", descriptor.digest);
  await put(place.href, "application/octet-stream", content);
}

export async function putManifest(
  host: string,
  repository: string,
  tag: string,
  { manifest, mediaType }: { manifest: Buffer; mediaType: string },
): Promise<void> {
  await put(`http://${host}/v2/${repository}/manifests/${tag}`, mediaType, manifest);
}

async function put(url: string, type: string, body: Buffer): Promise<void> {
  const answer = await fetch(url, { method: "PUT", headers: { "content-type": type }, body: new Uint8Array(body) });
  if (answer.status !== 201) throw new Error(`PUT ${url} was answered ${answer.status}: ${await answer.text()}`);
}
