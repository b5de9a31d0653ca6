import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, json, layoutIndex, MEDIA_TYPES, OCI_LAYOUT, sha256Digest } from "../oci-manifest.ts";
import { plainLayer } from "../incoming-fixture.ts";

/** For tests: an image layout with an index of a base for each of these machines, whose site is `/www`. */
export function writeBase(folder: string, architectures: readonly string[], inner: object = {}): void {
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
  const add = (mediaType: string, bytes: Buffer): Descriptor => {
    const digest = sha256Digest(bytes);
    writeFileSync(join(folder, "blobs", digest.replace(":", "/")), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const manifests = architectures.map((architecture) => {
    const archive = plainLayer({ "steppe-static": `the program of ${architecture}` });
    const config = add(
      MEDIA_TYPES.config,
      json({
        architecture,
        os: "linux",
        config: {
          Entrypoint: ["/steppe-static"],
          WorkingDir: "/www",
          User: "65534:65534",
          Labels: { "org.opencontainers.image.title": "the base", mark: "kept" },
          ...inner,
        },
        rootfs: { type: "layers", diff_ids: [sha256Digest(archive)] },
        history: [{ created_by: "the base" }],
      }),
    );
    const layer = add(MEDIA_TYPES.layer, archive);
    const manifest = json({ schemaVersion: 2, mediaType: MEDIA_TYPES.manifest, config, layers: [layer] });
    return { ...add(MEDIA_TYPES.manifest, manifest), platform: { os: "linux", architecture } };
  });
  const index = add(MEDIA_TYPES.index, json({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests }));
  writeFileSync(join(folder, "oci-layout"), json(OCI_LAYOUT));
  writeFileSync(join(folder, "index.json"), json(layoutIndex([{ descriptor: index, name: "1" }])));
}
