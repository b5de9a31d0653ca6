import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Descriptor {
  digest: string;
  size: number;
  platform?: { architecture: string };
}

/** Bytes that one pulls of an OCI layout for an architecture: manifest, configuration and layers. Undefined if there is no layout. */
export function imageBytes(layout: string, architecture: string): number | undefined {
  if (!existsSync(join(layout, "index.json"))) return undefined;
  const read = (path: string): unknown => JSON.parse(readFileSync(join(layout, path), "utf8"));
  const blob = ({ digest }: Descriptor): unknown => read(`blobs/${digest.replace(":", "/")}`);
  const isWanted = ({ platform }: Descriptor): boolean =>
    platform === undefined || platform.architecture === architecture;
  let descriptor = (read("index.json") as { manifests: Descriptor[] }).manifests.find(isWanted);
  for (let depth = 0; depth < 2 && descriptor !== undefined; depth++) {
    const content = blob(descriptor) as { manifests?: Descriptor[]; config?: Descriptor; layers?: Descriptor[] };
    if (content.config !== undefined) {
      const layers = content.layers ?? [];
      return descriptor.size + content.config.size + layers.reduce((sum, { size }) => sum + size, 0);
    }
    descriptor = content.manifests?.find(isWanted);
  }
  return undefined;
}
