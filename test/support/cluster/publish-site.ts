import { readFileSync } from "node:fs";
import type { TestContext } from "vitest";
import { writeImage } from "../../../scripts/site-server/oci-image.ts";
import type { Tree } from "../../../src/images/index.ts";
import {
  buildImage,
  LayerCache,
  layoutBase,
  openBase,
  openRegistryClient,
  parseReference,
} from "../../../src/images/writer/index.ts";
import { systemClock } from "../../../src/shared/clock.ts";
import { nativeBinary } from "../native-server.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import type { Site } from "./cluster.ts";

/** Puts sites on the base `steppe/static`, as `steppe build` does, and pushes them. */
export interface SitePublisher extends Disposable {
  /** Resolves with the image's digest. */
  publish(site: Site): Promise<string>;
}

/** @param registry `127.0.0.1:PORT` */
export async function sitePublisher(context: Pick<TestContext, "skip">, registry: string): Promise<SitePublisher> {
  const folder = temporaryFolder("publish");
  const content = readFileSync(await nativeBinary(context as TestContext));
  writeImage(folder.file("base"), [{ architecture: "amd64", content }], "1.2.3");
  const client = await openRegistryClient({ env: {}, insecure: new Set(), clock: systemClock });
  return {
    async publish({ app, number, files }) {
      const { digest } = await buildImage({
        async readSite(site) {
          const batch = site.begin();
          const tree: Tree[number][] = [];
          for (const [path, text] of Object.entries(files))
            tree.push({ path, ...(await batch.add(Buffer.from(text))) });
          return tree.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
        },
        base: openBase(layoutBase(folder.file("base")), null),
        facts: Promise.resolve({ labels: {}, createdAt: null }),
        reference: parseReference(`${registry}/${app}:v${number}`),
        client,
        output: null,
        compression: "gzip",
        precompress: false,
        cache: new LayerCache(folder.file("layers.json")),
        signal: new AbortController().signal,
      });
      return digest;
    },
    [Symbol.dispose]() {
      client[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}
