import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { emptySnapshot, readSiteIndexHead, SnapshotFiles } from "../../ingress/snapshot/index.ts";
import { TestData } from "../../ingress/test-ingress.ts";
import { FakeClock } from "../../shared/clock.ts";
import { silentLogger } from "../../shared/log.ts";
import { testDefinition } from "../../../test/support/test-definition.ts";
import { hasOutdatedIndexes, renewIndexes } from "./renew-indexes.ts";

const AT_VERSION = 8;

/** A data folder with releases 1 to 3 of a site, the first two with indexes of another version. */
async function oldData(): Promise<TestData> {
  const data = await TestData.make();
  const releases = [1, 2, 3].map((number) => data.release("blog", number, { "index.html": `release ${number}` }));
  for (const { index } of releases.slice(0, 2)) {
    const path = join(data.folders.sites, index);
    const bytes = readFileSync(path);
    bytes.writeUInt16LE(1, AT_VERSION);
    writeFileSync(path, bytes);
  }
  const [one, two, three] = releases;
  const snapshot = { ...emptySnapshot(), generation: 7 };
  snapshot.sites.set("blog", {
    current: two ?? null,
    staged: three ? [three] : [],
    grace: one ? [{ ...one, until: 9 }] : [],
  });
  const files = new SnapshotFiles(data.folders.ingress);
  files.writeNext(snapshot);
  files.commit();
  return data;
}

async function renew(data: TestData, known: (number: number) => boolean): Promise<void> {
  await renewIndexes({
    folders: data.folders,
    files: data,
    readTree: (image) => {
      const text = `release ${image.slice(7, 8)}`;
      return Promise.resolve([
        { path: "index.html", hash: data.store([text])[0] ?? Buffer.alloc(0), size: text.length },
      ]);
    },
    releaseOf: (app, number) =>
      known(number)
        ? { app, number, image: `sha256:${number}a`, definition: testDefinition(app, { domains: [`${app}.test`] }) }
        : undefined,
    clock: new FakeClock(),
    log: silentLogger,
  });
}

describe("indexes that another version of Steppe made", () => {
  test("are made anew, and the snapshot refers to them without being another", async () => {
    await using data = await oldData();
    const before = new SnapshotFiles(data.folders.ingress).load().snapshot;
    expect(hasOutdatedIndexes(data.folders)).toBe(true);
    await renew(data, () => true);
    expect(hasOutdatedIndexes(data.folders)).toBe(false);
    const { snapshot } = new SnapshotFiles(data.folders.ingress).load();
    expect(snapshot.generation).toBe(7);
    const { current, staged, grace } = snapshot.sites.get("blog") ?? {};
    expect(staged).toEqual(before.sites.get("blog")?.staged);
    expect(current?.index).toMatch(/^blog\/2-2a/);
    expect(grace?.[0]).toMatchObject({ release: 1, until: 9 });
    const heads = [current, grace?.[0]].map((one) =>
      readSiteIndexHead(readFileSync(join(data.folders.sites, one?.index ?? ""))),
    );
    expect(heads[0]?.modifiedAt).toBeGreaterThan(heads[1]?.modifiedAt ?? Infinity);
    // For a process that still answers from it.
    expect(
      readFileSync(join(data.folders.sites, before.sites.get("blog")?.current?.index ?? "")).length,
    ).toBeGreaterThan(0);
  });

  test("with a release that cannot be made again, the others are", async () => {
    await using data = await oldData();
    await renew(data, (number) => number === 2);
    const state = new SnapshotFiles(data.folders.ingress).load().snapshot.sites.get("blog");
    expect(state?.current?.index).toMatch(/^blog\/2-2a/);
    expect(state?.grace[0]?.release).toBe(1);
    expect(hasOutdatedIndexes(data.folders)).toBe(true);
  });
});
