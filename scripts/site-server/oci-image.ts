import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  json,
  MEDIA_TYPES,
  sha256Digest,
  STATIC_BASE,
  TAR_END,
  tarHeader,
  tarPadding,
} from "../../src/images/index.ts";
import type { Architecture } from "./toolchain.ts";

/** The program in the image, and in it alone. */
const PROGRAM = STATIC_BASE.entrypoint.slice(1);
/** Where the site lies: what `COPY … ./` in a Dockerfile fills. */
const ROOT = STATIC_BASE.folder;
/** `nobody`, by its number: there is no /etc/passwd in which a name could be looked up. */
const USER = "65534:65534";
const PORT = "3000/tcp";

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { architecture: string; os: string };
  annotations?: Record<string, string>;
}

export interface Binary {
  architecture: Architecture;
  content: Buffer;
}

export interface ImageSizes {
  architecture: Architecture;
  /** Bytes of all that is pulled: manifest, config and the compressed layer. */
  pulled: number;
  /** Bytes of the layer when it is unpacked, as `docker images` counts. */
  unpacked: number;
}

/**
 * Writes the image `steppe/static` as an OCI layout: a manifest for each binary, in one index. The same bytes for the same binaries.
 * https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 *
 * @param folder what is in it is replaced
 */
export function writeImage(folder: string, binaries: readonly Binary[], version: string): ImageSizes[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
  const add = (mediaType: string, content: Buffer): Descriptor => {
    const digest = sha256Digest(content);
    writeFileSync(join(folder, "blobs", digest.replace(":", "/")), content);
    return { mediaType, digest, size: content.length };
  };
  const images = binaries.map((binary) => addImage(binary, version, add));
  const index = add(
    MEDIA_TYPES.index,
    json({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.index,
      manifests: images.map(({ manifest }) => manifest),
      annotations: annotations(version),
    }),
  );
  writeFileSync(join(folder, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  const named = { ...index, annotations: { "org.opencontainers.image.ref.name": version } };
  writeFileSync(
    join(folder, "index.json"),
    json({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [named] }),
  );
  return images.map(({ sizes }) => sizes);
}

function addImage(
  { architecture, content }: Binary,
  version: string,
  add: (mediaType: string, content: Buffer) => Descriptor,
): { manifest: Descriptor; sizes: ImageSizes } {
  const tar = layer(content);
  const compressed = add(`${MEDIA_TYPES.layer}+gzip`, gzipSync(tar, { level: 9 }));
  const config = add(
    MEDIA_TYPES.config,
    json({
      architecture,
      os: "linux",
      config: {
        User: USER,
        ExposedPorts: { [PORT]: {} },
        Entrypoint: [STATIC_BASE.entrypoint],
        WorkingDir: ROOT,
        StopSignal: "SIGTERM",
        // The mark by which what is built from it is known for a site.
        Labels: { ...annotations(version), [STATIC_BASE.label]: ROOT },
      },
      rootfs: { type: "layers", diff_ids: [sha256Digest(tar)] },
      history: [{ created_by: "npm run build:site-server" }],
    }),
  );
  const manifest = add(
    MEDIA_TYPES.manifest,
    json({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.manifest,
      config,
      layers: [compressed],
      annotations: annotations(version),
    }),
  );
  const pulled = manifest.size + config.size + compressed.size;
  return {
    manifest: { ...manifest, platform: { architecture, os: "linux" } },
    sizes: { architecture, pulled, unpacked: content.length },
  };
}

/** The program and an empty folder for the site. */
function layer(program: Buffer): Buffer {
  return Buffer.concat([
    tarHeader(PROGRAM, program.length, { program: true }),
    program,
    Buffer.alloc(tarPadding(program.length)),
    tarHeader(`${ROOT.slice(1)}/`, 0),
    TAR_END,
  ]);
}

/** https://github.com/opencontainers/image-spec/blob/main/annotations.md */
function annotations(version: string): Record<string, string> {
  return {
    "org.opencontainers.image.title": "steppe/static",
    "org.opencontainers.image.description": "Serves the static files below /www over HTTP on port 3000.",
    "org.opencontainers.image.licenses": "Apache-2.0",
    "org.opencontainers.image.version": version,
  };
}
