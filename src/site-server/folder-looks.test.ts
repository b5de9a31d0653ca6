import { expect, test } from "vitest";
import { FakeClock } from "../shared/clock.ts";
import { FolderLooks } from "./folder-looks.ts";
import type { FolderSite } from "./folder-site.ts";

/** Looks whose ends a test decides. */
class Looked {
  readonly clock = new FakeClock();
  readonly disposed: number[] = [];
  readonly changes: FolderSite[] = [];
  readonly troubles: unknown[] = [];
  readonly opened: Array<PromiseWithResolvers<FolderSite>> = [];
  readonly looks = new FolderLooks(this.site(0), {
    open: () => {
      const opening = Promise.withResolvers<FolderSite>();
      this.opened.push(opening);
      return opening.promise;
    },
    clock: this.clock,
    onChange: (site) => void this.changes.push(site),
    onTrouble: (error) => void this.troubles.push(error),
  });

  site(number: number): FolderSite {
    const site: Partial<FolderSite> = { files: number, [Symbol.dispose]: () => void this.disposed.push(number) };
    return site as FolderSite;
  }

  async end(number: number): Promise<void> {
    this.opened[number - 1]?.resolve(this.site(number));
    await new Promise(setImmediate);
  }
}

test("the first look is at once; who asks while it goes on gets one that begins after it, a pause later, all the same", async () => {
  const looked = new Looked();
  const first = looked.looks.again();
  await new Promise(setImmediate);
  expect(looked.opened).toHaveLength(1);
  const second = looked.looks.again();
  expect(looked.looks.again()).toBe(second);
  await looked.end(1);
  await first;
  expect(looked.looks.site.files).toBe(1);
  expect(looked.disposed).toEqual([0]);
  await looked.clock.advance(199);
  expect(looked.opened).toHaveLength(1);
  await looked.clock.advance(1);
  expect(looked.opened).toHaveLength(2);
  await looked.end(2);
  await second;
  expect(looked.changes.map(({ files }) => files)).toEqual([1, 2]);
});

test("a folder that cannot be read is served as it was; what is found after the end is given back", async () => {
  const looked = new Looked();
  const failing = looked.looks.again();
  await new Promise(setImmediate);
  looked.opened[0]?.reject(new Error("gone"));
  await failing;
  expect(looked.troubles).toEqual([new Error("gone")]);
  expect(looked.looks.site.files).toBe(0);
  const late = looked.looks.again();
  await looked.clock.advance(200);
  looked.looks[Symbol.dispose]();
  await looked.end(2);
  await late;
  expect(looked.disposed).toEqual([0, 2]);
  expect(looked.changes).toEqual([]);
});
