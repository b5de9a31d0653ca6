import type { Clock } from "../../shared/clock.ts";
import { SerialQueue } from "../../shared/serial-queue.ts";
import { type BuildKitRecord, listRecords, removeRecords } from "./buildkit-records.ts";
import { type BegunRecord, type CacheRecord, type CacheLedger, LARGEST_CACHE, OLDEST_CACHE } from "./cache-ledger.ts";
import type { Docker } from "./docker-client.ts";
import type { DockerImages, OwnImage } from "./docker-images.ts";

/** What came of a build. */
export interface BuildOutcome {
  before: BegunRecord;
  isBuilt: boolean;
  /** The beginnings of ids of images that the classic builder made or used. */
  ids: ReadonlySet<string>;
}

const NOTHING: CacheRecord = {
  builtAt: 0,
  images: [],
  goodImages: [],
  records: [],
  newest: "",
  good: { from: "", to: "" },
  begun: null,
};
/** Of an app that is gone: it wants nothing; this sorts after every time. */
const FORGOTTEN: CacheRecord = { ...NOTHING, newest: "~" };

/**
 * What builds leave in Docker, for the next to be faster: of each app what its newest build made and used, and what the newest that succeeded
 * did, if that is another. All else that builds of ours made is removed when a build ends, and nothing that others made.
 *
 * The classic builder's images carry labels. Records of BuildKit's cache carry none: ours are those that were not there before a build of ours
 * and are after it. One that somebody else's build makes meanwhile is taken for ours; what that one loses is time.
 */
export class DockerCache {
  readonly #docker: Docker;
  readonly #images: DockerImages;
  readonly #ledger: CacheLedger;
  readonly #clock: Clock;
  readonly #bounds: { bytes: number; age: number };
  readonly #queue = new SerialQueue();
  /** Apps that are being built: nothing of them is touched. */
  readonly #building = new Set<string>();

  constructor(options: {
    docker: Docker;
    images: DockerImages;
    ledger: CacheLedger;
    clock: Clock;
    bounds?: { bytes: number; age: number };
  }) {
    this.#docker = options.docker;
    this.#images = options.images;
    this.#ledger = options.ledger;
    this.#clock = options.clock;
    this.#bounds = options.bounds ?? { bytes: LARGEST_CACHE, age: OLDEST_CACHE };
  }

  /** To be called before a build, and `end` after it, whatever came of it. Throws what Docker's client throws, and then there is no build to end. */
  async begin(app: string): Promise<BegunRecord> {
    return await this.#queue.run(async () => {
      const records = await listRecords(this.#docker);
      const last = (await this.#ledger.get(app)) ?? NOTHING;
      // If a build of it was killed, and nobody came to note what that left, it is noted with what this one leaves.
      const begun = last.begun ?? { records: records.map(({ id }) => id), lastUsed: latest(records) };
      await this.#ledger.set(app, { ...last, begun });
      this.#building.add(app);
      return begun;
    });
  }

  /** Notes what the build left, and removes what nobody wants any more. Throws what Docker's client throws. */
  async end(app: string, outcome: BuildOutcome): Promise<void> {
    await this.#queue.run(async () => {
      this.#building.delete(app);
      await this.#note(app, outcome);
      await this.#tidy();
    });
  }

  /** Removes all that builds of an app left. */
  async forget(app: string): Promise<void> {
    await this.#queue.run(async () => {
      await this.#noteKilled();
      const record = await this.#ledger.get(app);
      if (record === undefined) return;
      await this.#images.remove(await this.#images.list(app));
      // What a record of another app was made on goes when that does.
      await this.#ledger.set(app, { ...FORGOTTEN, records: await this.#mine([app, record]) });
      await this.#tidy();
    });
  }

  /** Removes what nobody wants any more, also of what builds left that were killed. */
  async tidy(): Promise<void> {
    await this.#queue.run(() => this.#tidy());
  }

  /**
   * Notes what builds left that were killed with control. What others built in Docker since then is taken for theirs, since nothing tells them
   * apart: control is there again soon.
   */
  async #noteKilled(): Promise<void> {
    for (const [app, { begun }] of await this.#ledger.all()) {
      if (begun === null || this.#building.has(app)) continue;
      await this.#note(app, { before: begun, isBuilt: false, ids: new Set() });
    }
  }

  async #note(app: string, { before, isBuilt, ids }: BuildOutcome): Promise<void> {
    const last = (await this.#ledger.get(app)) ?? NOTHING;
    const records = await listRecords(this.#docker);
    const there = new Set(before.records);
    const claimed = new Set((await this.#ledger.all()).flatMap(([, other]) => other.records));
    const isOurs = ({ id, lastUsed }: BuildKitRecord): boolean =>
      !there.has(id) || (lastUsed > before.lastUsed && claimed.has(id));
    const ours = records.filter(isOurs).map(({ id }) => id);
    const isOfBuild = ({ id }: OwnImage): boolean => [...ids].some((begin) => id.startsWith(`sha256:${begin}`));
    const images = (await this.#images.list(app)).filter(isOfBuild).map(({ id }) => id);
    await this.#ledger.set(app, {
      builtAt: this.#clock.now(),
      images,
      goodImages: isBuilt ? images : last.goodImages,
      records: [...new Set([...last.records, ...ours])],
      newest: before.lastUsed,
      good: isBuilt ? { from: before.lastUsed, to: latest(records) } : last.good,
      begun: null,
    });
  }

  async #tidy(): Promise<void> {
    await this.#noteKilled();
    const images = await this.#images.list();
    const records = await listRecords(this.#docker);
    const wanted = await this.#wanted(images, records);
    const unwanted = images.filter(({ id, app }) => !wanted.images.has(id) && !this.#building.has(app));
    await this.#images.remove(unwanted);
    const apps = (await this.#ledger.all()).filter(([app]) => !this.#building.has(app));
    const ours = new Set(apps.flatMap(([, record]) => record.records));
    const there = records.map(({ id }) => id).filter((id) => ours.has(id));
    // All at once: of one app's, another's may have been made.
    const stay = await removeRecords(
      this.#docker,
      there.filter((id) => !wanted.records.has(id)),
    );
    const kept = new Set([...stay, ...wanted.records]);
    for (const [app, record] of apps) {
      const left = record.records.filter((id) => kept.has(id));
      if (record.images.length + record.goodImages.length + left.length === 0) await this.#ledger.delete(app);
      else if (left.length !== record.records.length) await this.#ledger.set(app, { ...record, records: left });
    }
  }

  /** What is kept: of each app, in the order in which they were built last, as long as the bounds hold. */
  async #wanted(
    images: readonly OwnImage[],
    records: readonly BuildKitRecord[],
  ): Promise<{ images: Set<string>; records: Set<string> }> {
    const kept = { images: new Set<string>(), records: new Set<string>() };
    const oldest = this.#clock.now() - this.#bounds.age;
    let bytes = 0;
    for (const [app, record] of await this.#ledger.all()) {
      const [mine, claimed] = [new Set([...record.images, ...record.goodImages]), new Set(record.records)];
      const myImages = images.filter(({ id }) => mine.has(id) && !kept.images.has(id));
      // A build that ran meanwhile may have made it; who used it last wants it.
      const myRecords = records.filter(
        ({ id, lastUsed }) => claimed.has(id) && isOfKeptBuild(record, lastUsed) && !kept.records.has(id),
      );
      for (const { size } of [...myImages, ...myRecords]) bytes += size;
      if (!this.#building.has(app) && (record.builtAt < oldest || bytes > this.#bounds.bytes)) continue;
      for (const { id } of myImages) kept.images.add(id);
      for (const { id } of myRecords) kept.records.add(id);
    }
    return kept;
  }

  /** Records that no other app claims. */
  async #mine([app, record]: [string, CacheRecord]): Promise<string[]> {
    const others = (await this.#ledger.all()).filter(([name]) => name !== app);
    const theirs = new Set(others.flatMap(([, { records }]) => records));
    return record.records.filter((id) => !theirs.has(id));
  }
}

/** Whether the newest build of an app used a record, or the newest that succeeded did and none since. */
function isOfKeptBuild({ newest, good }: CacheRecord, lastUsed: string): boolean {
  return lastUsed > newest || (lastUsed > good.from && lastUsed <= good.to);
}

function latest(records: readonly BuildKitRecord[]): string {
  return records.reduce((last, { lastUsed }) => (lastUsed > last ? lastUsed : last), "");
}
