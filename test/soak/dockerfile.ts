import { createHash, randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "vitest";
import { diskUse, openBuilder } from "../../src/builds/dockerfile/dockerfile-fixture.ts";
import { takeImage } from "../../src/builds/index.ts";
import { collectGarbage } from "../../src/images/index.ts";
import { silentLogger } from "../../src/shared/log.ts";
import { GitFileTable } from "../../src/store/index.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { KEPT, openReleasedImages } from "./image-releases.ts";
import type { SoakResult } from "./soak-result.ts";

const MEGABYTE = 1_000_000;
/** Bytes of an image. */
const SIZE = 50 * MEGABYTE;
/** What packs, databases and BuildKit's own books may differ by. */
const BESIDES = SIZE + 20 * MEGABYTE;
const DOCKERFILE = [
  "FROM base:1 AS build",
  "WORKDIR /src",
  "COPY . ./",
  "RUN cp large copy",
  "FROM scratch",
  "COPY --from=build /src/copy /www/large",
  "COPY --from=build /src/page /www/index.html",
].join("\n");

/**
 * 200 releases of an image of 50 MB, each built by Docker from a Dockerfile, of which 10 are kept: at the end the disk of Docker and of the data folder
 * holds no more than after the first 10, and each kept image can be read.
 */
export async function run(scale: number): Promise<SoakResult> {
  const count = Math.max(KEPT + 1, Math.ceil(200 * scale));
  const problems: string[] = [];
  await using fixture = await openBuilder(noTest, "buildkit");
  using folder = temporaryFolder("soak-dockerfile");
  using released = openReleasedImages(folder.path);
  const { images, store, releases } = released;
  let needed = 0;
  for (let release = 0; release < count; release++) {
    fixture.write({ Dockerfile: DOCKERFILE, large: randomBytes(SIZE), page: `release ${release}` });
    {
      using _ = images.files.hold();
      await using image = await fixture.build({}, { tag: `v${release}` });
      const signal = new AbortController().signal;
      const knownFiles = new GitFileTable(store);
      const options = {
        images,
        knownFiles,
        app: null,
        site: "/www",
        signal,
        progress: () => {},
        label: `v${release}`,
      };
      releases.push((await takeImage(image, options)).digest);
    }
    const keepImages = (): Set<string> => new Set(releases.slice(-KEPT));
    await collectGarbage(images, { keepImages, beforeRemoval: async () => {}, log: silentLogger });
    if (release === KEPT - 1) needed = (await diskUse(fixture)) + bytesBelow(folder.path);
  }
  const [docker, data] = [await diskUse(fixture), bytesBelow(folder.path)];
  if (docker + data > needed + BESIDES)
    problems.push(`the disk holds ${docker + data} bytes; after ${KEPT} it held ${needed}`);
  for (const [index, digest] of releases.slice(-KEPT).entries()) {
    const tree = await images.readTree(digest);
    const page = tree.find(({ path }) => path === "index.html");
    const text = page === undefined ? "nothing" : (await images.files.read(page.hash)).toString();
    if (text !== `release ${count - KEPT + index}`) problems.push(`${digest} has ${text}`);
    for (const { path, hash } of tree) {
      const content = createHash("sha256").update(await images.files.read(hash));
      if (!content.digest().equals(hash)) problems.push(`${path} of ${digest} is not what it was`);
    }
  }
  const megabytes = (bytes: number): number => Math.round(bytes / MEGABYTE);
  return {
    counts: {
      releases: count,
      "MB on disk": megabytes(docker + data),
      "MB of it in Docker": megabytes(docker),
      [`MB after ${KEPT}`]: megabytes(needed),
    },
    problems,
  };
}

/** What the fixtures want of a test: to be told why it cannot run. */
const noTest = {
  skip(reason?: unknown): never {
    throw new Error(String(reason));
  },
} as unknown as TestContext;

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
