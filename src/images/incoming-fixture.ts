import { gzipSync } from "node:zlib";
import { json, MEDIA_TYPES, sha256Digest } from "./oci-manifest.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar-header.ts";
import type { IncomingImage } from "./types.ts";

/** An image as somebody else would make it, of these layers, for tests. `asked` counts how often the content of a layer was asked for. */
export interface IncomingFixture extends IncomingImage {
  asked: number;
}

/**
 * @param layers tar archives, not compressed
 * @param config the part of the config that says what to run
 */
export function incomingImage(layers: readonly Buffer[], config: object = { Cmd: ["/run"] }): IncomingFixture {
  const compressed = layers.map((layer) => gzipSync(layer));
  const configBytes = json({
    architecture: "amd64",
    os: "linux",
    config,
    rootfs: { type: "layers", diff_ids: layers.map(sha256Digest) },
  });
  const describe = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: sha256Digest(bytes),
    size: bytes.length,
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: describe(MEDIA_TYPES.config, configBytes),
    layers: compressed.map((bytes) => describe(MEDIA_TYPES.gzipLayer, bytes)),
  });
  const fixture: IncomingFixture = {
    asked: 0,
    manifest,
    mediaType: MEDIA_TYPES.manifest,
    config: configBytes,
    layers: compressed.map((bytes) => ({
      descriptor: describe(MEDIA_TYPES.gzipLayer, bytes),
      async *content() {
        fixture.asked++;
        for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
      },
    })),
  };
  return fixture;
}

/** A tar archive of plain files. */
export function plainLayer(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const parts = Object.entries(files).flatMap(([path, content]) => {
    const bytes = Buffer.from(content);
    return [tarHeader(path, bytes.length), bytes, Buffer.alloc(tarPadding(bytes.length))];
  });
  return Buffer.concat([...parts, TAR_END]);
}
